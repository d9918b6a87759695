#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/archive/archive.hpp"
#include "server/message/attempts.hpp"
#include "server/message/boxes.hpp"
#include "server/message/latecomers.hpp"
#include "server/message/outbox.hpp"
#include "server/proxy/proxy.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// Pager-mode messages (RFC 3428): relayed to all devices of the user; stored where none takes them, and
/// delivered when one registers.
class Messages final : public Room, private Boxes::Observer {
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
    archive::Archive& archive;
  };
  Messages(Parts parts, const crypto::Key32& key);

  /// Whether a user wants to be left alone is asked at the user's bucket, for each message: it is stored
  /// then.
  void ask_first(Attempts::LeftAlone left_alone) { attempts_.ask_first(std::move(left_alone)); }
  /// A message that the user refuses is not stored behind others, but refused (`proxy::Wishes`).
  using Refuses = std::function<bool(const Entry& user, std::string_view sender)>;
  void refuse_first(Refuses refuses) { refuses_ = std::move(refuses); }
  /// A user of another domain wants no more messages of a room. Once.
  void observe_unwanted(Attempts::OnUnwanted on_unwanted) {
    attempts_.observe_unwanted(std::move(on_unwanted));
  }
  /// The user need not be left alone any more: the devices get what waits.
  void wake(Entry& user, Now now) { attempts_.start(user, now); }
  /// A message of the server's own for a user, a canonical address-of-record of any bucket.
  struct Leave {
    std::string user{};
    std::string from{};  ///< URI.
    std::string type = "text/plain;charset=utf-8";
    std::string body{};
    /// Of what happens again and again: while the message before waits, this one takes its place, and says
    /// "3 " and `body_again`. Empty: each is a message.
    std::string topic{}, body_again{};
  };
  /// It is stored, and devices that are there get it at once. An unknown user gets none.
  void leave(Leave message);

  const Boxes& boxes() const { return boxes_; }
  Boxes& boxes() { return boxes_; }
  const Attempts& attempts() const { return attempts_; }
  /// Another number of messages waits for a user. Once.
  using OnCount = std::function<void(Entry& user, Now now)>;
  void observe(OnCount on_count) { on_count_ = std::move(on_count); }

  // Room
  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  std::vector<Table> tables(Now now) const override { return boxes_.tables(now); }

  void on(const Leave& left, Bucket at, Now now);
  void on(const Outbox::Notice& notice, Bucket at, Now now);
  void on(const Outbox::Told& told, Bucket, Now) { outbox_.on_told(told); }
  /// The same as it is stored, as a person's and without number; `at` is the user's bucket.
  Stored draft(const Leave& left, Bucket at, Now now);

 private:
  class Store;
  class Note;

  bool is_for_user(const Request& request) const;
  bool may_be_kept(const Request& request) const;
  void relay(const RequestPtr& request);
  bool on_relayed(const RequestPtr& request, const proxy::Proxy::Outcome& outcome);
  void note_accepted(const Request& request, int status);
  static std::vector<Refusal> refusals_of(const std::vector<proxy::Proxy::Refusal>& all);
  void be_patient(transaction::TransactionId id);
  void on_patience(Now now);
  void store(const RequestPtr& request, Why why, std::vector<Refusal> refusals = {});
  void mark(const Entry& user, const Stored& message, archive::MessageState state);
  void confirm(const Outbox::Notice& notice);

  // Boxes::Observer
  void on_stored(Entry& user, Now now, Time since) override { attempts_.start(user, now, since); }
  void on_settled(Entry& user, const std::string& device) override { attempts_.start(user, device); }
  void on_delivered(Entry& user, const Stored& message, Now now) override;
  void on_failed(Entry& user, const Stored& message, Now now) override;
  void on_count(Entry& user, Now now) override {
    if (on_count_) on_count_(user, now);
  }
  void on_empty(Entry& user) override { attempts_.forget(user); }

  Services& services_;
  Peers& peers_;
  store::DurableStore& users_;
  proxy::Proxy& proxy_;
  archive::Archive& archive_;
  Outbox outbox_;
  Boxes boxes_;
  Attempts attempts_;
  Latecomers latecomers_;
  Refuses refuses_;
  OnCount on_count_;
  /// Relayed requests, and until when their devices may be silent.
  std::deque<std::pair<Time, transaction::TransactionId>> patience_;
  Timer patience_timer_;
};

}  // namespace beckon::server::message
