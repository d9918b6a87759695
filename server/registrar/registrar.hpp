#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/registrar/binding.hpp"
#include "server/registrar/update.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::registrar {

/// The bindings of one shard's addresses-of-record (RFC 3261 10). What changes is first in the store, then in
/// the table, then told to the observers, then answered.
class Registrar final : public Room {
 public:
  explicit Registrar(Services& services);

  /// Observers outlive the registrar's last call; usually other rooms of the same shard.
  void observe(BindingsObserver& observer) { observers_.push_back(&observer); }

  /// All bindings, suspended ones too. `aor` is canonical and of a bucket of this shard.
  const std::vector<Binding>& bindings(std::string_view aor) const;
  /// Where a request for `aor` can go now: neither suspended nor run out, one per device (the newest), best q
  /// first.
  std::vector<Binding> targets(std::string_view aor, Now now) const;
  std::size_t size() const { return entries_.size(); }

  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  std::vector<Table> tables(Now now) const override;

 private:
  /// One thing to do to an address-of-record. They run one after the other, each after the store has the one
  /// before.
  struct Step {
    std::function<Update(const std::vector<Binding>&, Now)> apply;
    RequestPtr request;  ///< Who waits for the answer; may be null.
  };
  struct Entry {
    explicit Entry(TimerQueue& timers) : expiry(timers) {}
    std::vector<Binding> bindings;
    std::deque<Step> waiting;
    bool committing = false;
    Timer expiry;
  };

  Entry& entry(const std::string& aor);
  void enqueue(const std::string& aor, Step step);
  void run(const std::string& aor);
  void take(const std::string& aor, Step step, Now now);
  void commit(const std::string& aor, Update update, const Step& step, Now now);
  void committed(const std::string& aor, Update update, Now now);
  void index_flows(const std::string& aor, const std::vector<Binding>& before,
                   const std::vector<Binding>& after);
  void arm(const std::string& aor, Entry& entry);
  void forget_if_idle(const std::string& aor);
  void end_grace();
  std::string answer_to(const Request& request, const Update& update) const;
  std::string refusal_of(const Request& request, const Update& update) const;

  Services& services_;
  std::vector<BindingsObserver*> observers_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::unordered_multimap<transaction::FlowId, std::string> flows_;  ///< Flow -> AORs with a binding on it.
  Timer grace_;
};

}  // namespace beckon::server::registrar
