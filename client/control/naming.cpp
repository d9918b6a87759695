#include "client/control/naming.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "protocol/base/text.hpp"

namespace beckon::client::control {
namespace {

std::string member(const boost::json::value& from, std::string_view name) {
  const auto* const row = from.if_object();
  const auto* const found = row != nullptr ? row->if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

const boost::json::array& rows_of(const boost::json::object& from, std::string_view name) {
  static const boost::json::array none;
  const auto* const found = from.if_contains(name);
  return found != nullptr && found->is_array() ? found->as_array() : none;
}

}  // namespace

void Naming::learn(const boost::json::object& contacts) {
  contacts_.clear();
  for (const auto& group : rows_of(contacts, "groups")) {
    if (!group.is_object()) continue;
    for (const auto& contact : rows_of(group.as_object(), "contacts"))
      if (std::string of = member(contact, "of"); !of.empty())
        contacts_.emplace_back(std::move(of), member(contact, "name"));
  }
}

std::vector<std::string> Naming::contacts_called(std::string_view name) const {
  std::vector<std::string> found;
  if (name.empty() || name.find('@') != std::string_view::npos) return found;
  const auto add = [&found](const std::string& address) {
    if (std::ranges::find(found, address) == found.end()) found.push_back(address);
  };
  for (const auto& [address, called] : contacts_)
    if (trim(called) == name) add(address);
  if (found.empty()) return found;
  const std::string at_home = "sip:" + std::string(name) + "@" + home_;
  for (const auto& [address, called] : contacts_)
    if (address == at_home) add(address);
  return found;
}

}  // namespace beckon::client::control
