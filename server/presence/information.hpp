#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/presence/presentity.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"

namespace beckon::server::presence {

/// PIT, the presence information table: every presentity of a shard, its publications (RFC 3903) and what
/// watchers get of them. A publication is first in the store, then seen by watchers and answered.
class PresenceInformation {
 public:
  /// The state of `presentity` changed: its watches are notified.
  using OnChange = std::function<void(Entry& presentity, Now now)>;

  PresenceInformation(Services& services, const registrar::Registrar& registrar, OnChange on_change);
  ~PresenceInformation();

  void on_publish(const RequestPtr& request);
  void on_bindings_changed(std::string_view aor, registrar::BindingEvent event,
                           const std::vector<registrar::Binding>& bindings, Now now);
  void on_flow_closed(transaction::FlowId flow, Now now);

  SharedText render(Entry& presentity, const documents::Transformations& what, bool secure,
                    const std::string& watcher) {
    return render(presentity.aor(), what, secure, watcher);
  }
  /// The presence document of `aor` for one watcher.
  SharedText render(std::string_view aor, const documents::Transformations& what, bool secure,
                    const std::string& watcher);
  /// What those see who may see nothing but that the presentity exists: closed.
  static std::string render_nothing(std::string_view aor);
  void each_grant_holder(Entry& presentity, const std::function<void(const std::string&)>& visit) const {
    each_grant_holder(presentity.aor(), visit);
  }
  void each_grant_holder(std::string_view aor, const std::function<void(const std::string&)>& visit) const;

  void restore(const store::Record& record, Now now);
  void restored(Now now);
  Table table() const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Item;
  struct Job;

  Item& entry(const std::string& aor);
  void run(const std::string& aor);
  void take(const std::string& aor, Job job);
  void commit(const std::string& aor, Job job, event::Compositor next,
              const event::Compositor::Answer& answer);
  void committed(const std::string& aor, Job& job, event::Compositor next,
                 const event::Compositor::Answer& answer);
  void settle(const std::string& aor);
  std::string answer_to(const Job& job, const event::Compositor::Answer& answer) const;
  std::string device_on(std::string_view aor, const transaction::Hop& from) const;
  void expire(const std::string& aor, Now now);
  void arm(const std::string& aor, Item& entry);
  void forget_if_idle(const std::string& aor);

  Services& services_;
  const registrar::Registrar& registrar_;
  std::function<void(const std::string& aor, Now now)> on_change_;
  std::map<std::string, std::unique_ptr<Item>, std::less<>> entries_;     ///< By AOR.
  std::unordered_map<transaction::FlowId, std::set<std::string>> flows_;  ///< AORs with offers on a flow.
};

}  // namespace beckon::server::presence
