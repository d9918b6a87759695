#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/keyed_hash.hpp"
#include "server/calls/call.hpp"
#include "server/calls/lines.hpp"
#include "server/proxy/hooks.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::calls {

/// The calls that the proxy of one shard forwards, and when each is over: a BYE, a refusal, a session that is
/// not refreshed (RFC 4028), a device whose connection or registration has ended, a call that is too old.
/// Each change goes to the `Lines` of those of its two users who are ours. Nothing is stored.
class Calls final : public Room, public proxy::CallObserver {
 public:
  /// They outlive it.
  Calls(Environment& environment, Peers& peers);
  ~Calls() override;

  void on(const LineRefused& refused, Bucket at, Now now);
  void on(const LineEnded& ended, Bucket at, Now now);

  /// Hears of calls that nobody answered, and nobody declined. Both are canonical AORs; the caller's is empty
  /// where the callee is not to learn it (RFC 3323).
  using OnMissed = std::function<void(const std::string& callee, const std::string& caller, Now now)>;
  void set_on_missed(OnMissed on_missed) { on_missed_ = std::move(on_missed); }

  // Room
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  std::vector<Table> tables(Now now) const override;
  std::size_t size() const { return by_id_.size(); }

  // proxy::CallObserver
  void on_invite(const Request& invite, const std::string& callee, Now now) override;
  void on_response(const Request& request, const Branch& from, const sip::Message& response,
                   Now now) override;
  void on_redirected(const Request& invite, const std::string& from, const std::string& to, Now now) override;
  void on_unanswered(const Request& invite, const std::vector<std::string>& callees, int status,
                     std::string_view cancel_reason, Now now) override;
  void on_branch_end(const Request& invite, std::size_t branch, int status, Now now) override;
  void on_end(const Request& request, int status, Now now) override;
  void on_over(const Request& invite, Now now) override;
  void on_bye(const Request& bye, Now now) override;

 private:
  struct Watched;
  /// What the watchers of both sides see of a dialog.
  struct Party {
    std::string aor{};  ///< Of a user of ours; else empty.
    documents::DialogIdentity identity{};
  };

  Watched* find(transaction::TransactionId id) const;
  /// The call of a request in a dialog, the callee's tag, and whether the caller sent it.
  struct InDialog {
    Watched* call = nullptr;
    std::string_view tag{};
    bool by_caller = false;
  };
  InDialog dialog_of(const sip::Message& request) const;
  std::uint64_t key_of(std::string_view call_id, std::string_view caller_tag, std::string_view tag) const;
  void index(Watched& call, std::string_view tag);
  void answered(Watched& call, const sip::Message& response, Now now);
  void apply(Watched& call, const Call::Changes& changes, Now now);
  void tell(Watched& call, std::size_t number, bool is_callee);
  void end_if_unseen(Watched& call, std::size_t number);
  void drop_if_over(Watched& call);
  void live_on(Watched& call, transaction::FlowId flow);
  bool end_flow(transaction::FlowId flow, Slice& slice, Now now);

  Environment& environment_;
  Peers& peers_;
  std::unordered_map<transaction::TransactionId, std::unique_ptr<Watched>> by_id_;
  KeyedHash hash_;
  /// By `key_of` each dialog that a response made. Several have one key where an INVITE passes here twice.
  std::unordered_multimap<std::uint64_t, Watched*> by_dialog_;
  std::set<std::pair<transaction::FlowId, transaction::TransactionId>> flows_;
  FlowRounds closing_;
  OnMissed on_missed_;
};

}  // namespace beckon::server::calls
