#pragma once

#include "server/presence/information.hpp"
#include "server/presence/watch.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/xcap/documents.hpp"

namespace beckon::server::presence {

/// The presentities of one shard: PUBLISH and registrations in; whoever follows a presentity hears of each
/// change through `watches`.
class Presentities final : public Room, public registrar::BindingsObserver {
 public:
  /// Observes the registrar, and the bus for changes of rules. All referenced things outlive it.
  Presentities(Services& services, registrar::Registrar& registrar, const xcap::Documents& documents);

  Watches& watches() { return watches_; }

  // Room
  bool handles(sip::Method method, std::string_view event) const override {
    return method == sip::Method::publish && event == "presence";
  }
  std::vector<std::string> events() const override { return {"presence"}; }
  void on_request(const RequestPtr& request) override { information_.on_publish(request); }
  void on_flow_closed(transaction::FlowId flow, Now now) override { information_.on_flow_closed(flow, now); }
  void restore(const store::Record& record, Now now) override { information_.restore(record, now); }
  void restored(Now now) override { information_.restored(now); }
  std::vector<Table> tables(Now) const override { return {information_.table()}; }

  void on_bindings_changed(Entry& entry, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  /// Presentities it keeps something about; watches are not counted.
  std::size_t size() const { return information_.size(); }

 private:
  PresenceInformation information_;
  Watches watches_;
};

}  // namespace beckon::server::presence
