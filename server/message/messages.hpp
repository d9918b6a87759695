#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/message/boxes.hpp"
#include "server/proxy/proxy.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Pager-mode messages (RFC 3428): relayed to all devices of the user; stored where none takes them, and
/// delivered when one registers.
class Messages final : public Room {
 public:
  /// What it stands on: all of this shard, and outliving it.
  struct Parts {
    Services& services;
    Sender& sender;
    Peers& peers;
    locate::Locator& locator;
    store::DurableStore& users;
    registrar::Registrar& registrar;
    proxy::Proxy& proxy;
  };
  Messages(Parts parts, const crypto::Key32& key);

  /// Whether a user wants to be left alone is asked at the user's bucket, for each message: it is stored
  /// then.
  void ask_first(Boxes::LeftAlone left_alone) { boxes_.ask_first(std::move(left_alone)); }
  /// The user need not be left alone any more: the devices get what waits.
  void wake(Entry& user, Now now) { boxes_.start(user, now); }
  /// Leaves a user, a canonical address-of-record of any bucket, a message of the server's own: it is stored,
  /// and devices that are there get it at once. `from` is a URI. An unknown user gets none.
  void leave(const std::string& user, std::string_view from, std::string_view text);

  const Boxes& boxes() const { return boxes_; }

  // Room
  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override { boxes_.restore(record, now); }
  void restored(Now now) override { boxes_.restored(now); }
  std::vector<Table> tables(Now now) const override { return boxes_.tables(now); }

  /// A message of the server's own for a user there.
  struct Leave {
    std::string user, from, text;
  };
  void on(const Leave& left, Bucket at, Now now);

 private:
  class Store;
  class Note;
  /// Why a message is stored.
  enum class Why {
    away,        ///< There is no device, or none that answers.
    in_order,    ///< An earlier one of its sender waits.
    left_alone,  ///< The user wants to be left alone.
  };
  /// A request that was stored and answered while silent devices may still answer it.
  struct Taken {
    std::optional<std::uint64_t> number{};  ///< Absent: it is not stored yet; 0: it could not be.
    bool has_ended = false;                 ///< The devices have answered:
    Verdict verdict = Verdict::later;
    std::string device{};
  };

  bool may_be_kept(const Request& request) const;
  void relay(const RequestPtr& request);
  bool on_relayed(const RequestPtr& request, const proxy::Proxy::Outcome& outcome);
  void on_late(const Request& request, const proxy::Proxy::Outcome& outcome);
  void be_patient(transaction::TransactionId id);
  void on_patience(Now now);
  void store(const RequestPtr& request, Why why);
  void on_stored(const Request& request, std::uint64_t number);
  void end_if_known(const Request& request);

  Services& services_;
  Peers& peers_;
  store::DurableStore& users_;
  proxy::Proxy& proxy_;
  Boxes boxes_;
  /// Relayed requests, and until when their devices may be silent.
  std::deque<std::pair<Time, transaction::TransactionId>> patience_;
  Timer patience_timer_;
  std::unordered_map<transaction::TransactionId, Taken> taken_;
};

}  // namespace beckon::server::message
