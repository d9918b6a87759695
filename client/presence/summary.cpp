#include "client/presence/summary.hpp"

#include <boost/json/array.hpp>

namespace beckon::client::presence {

boost::json::object make_summary_view(const std::string& of, const documents::MessageSummary& summary) {
  boost::json::array classes;
  for (const auto& each : summary.classes) {
    boost::json::object view{{"class", each.name}, {"new", each.all.fresh}, {"old", each.all.old}};
    if (each.urgent) {
      view["urgent_new"] = each.urgent->fresh;
      view["urgent_old"] = each.urgent->old;
    }
    classes.push_back(std::move(view));
  }
  boost::json::object out{{"of", of}, {"waiting", summary.waiting}, {"classes", std::move(classes)}};
  if (!summary.account.empty()) out["account"] = summary.account;
  return out;
}

}  // namespace beckon::client::presence
