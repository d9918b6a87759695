#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include "protocol/locate/locator.hpp"
#include "protocol/sip/check.hpp"
#include "server/shard/authenticator.hpp"
#include "server/shard/leavers.hpp"
#include "server/shard/peering.hpp"
#include "server/shard/rate_limit.hpp"
#include "server/shard/services.hpp"
#include "server/shard/task.hpp"

namespace beckon::server {

/// Brings tasks to other shards: `Node`.
class Post {
 public:
  virtual ~Post() = default;
  /// Number of the shard that owns it; may change at run time.
  virtual unsigned owner(Bucket bucket) const = 0;
  /// Has `shard` run `task` later, on its thread; in order between two shards. False: that shard has more
  /// waiting than it may, and `task` is as it was.
  [[nodiscard]] virtual bool post(unsigned shard, Task& task) = 0;
  /// The same, never refused: for what must come back.
  virtual void post_back(unsigned shard, Task task) = 0;
};

/// What a shard is built on; all of it outlives the shard and belongs to its thread.
struct ShardParts {
  transaction::Transport& transport;
  TimerQueue& timers;
  Clock& clock;
  Random& random;
  store::StateStore& store;
  store::DurableStore& users;
  store::EventBus& bus;
  locate::Locator& locator;
};

/// Counters since the start; each only rises.
struct Counters {
  /// New ones. The retransmissions of one that was refused without state count, too.
  std::uint64_t requests = 0;
  std::uint64_t responses = 0;   ///< Received, that belong to a request of ours.
  std::uint64_t challenges = 0;  ///< Answers 401 and 407.
  std::uint64_t malformed = 0;
  std::uint64_t overload = 0;  ///< Refused with 503 because a queue was full.
  std::uint64_t dropped = 0;   ///< Without credentials, beyond the rate of their source.
  std::uint64_t unseen = 0;    ///< Credentials not looked at, after too many wrong ones.
  Counters& operator+=(const Counters& other);
};

/// One shard: some buckets, their transactions and rooms, on one thread. Pure; the shell hands it what came
/// in, and its timers are those of the TimerQueue it was given.
class Shard final : public Services, public Sender, public Peers, private transaction::User {
 public:
  Shard(unsigned number, Settings settings, const ServerKey& key, ShardParts parts, Post& post);
  ~Shard() override;

  /// Makes a room of this shard. Requests are offered in the order of adding.
  template <class T, class... Args>
  T& add(Args&&... args) {
    auto room = std::make_unique<T>(std::forward<Args>(args)...);
    T& added = *room;
    rooms_.push_back({std::move(room), {}});
    by_type_.emplace(typeid(T), &added);
    describe();
    return added;
  }
  /// The room of that type.
  template <class T>
  T& room() const {
    return *static_cast<T*>(find_room(typeid(T)));
  }
  /// The room that takes what is not for the server itself: dialogs we stand in the way of, unknown methods.
  void set_relay(Relay& room) { relay_ = &room; }

  // From the network; any bucket.
  void on_message(const transaction::Hop& from, sip::Message message);
  /// A text that is not read yet: ends the transaction of a success whose sender needs no more than the
  /// status (`transaction::Layer::retire`). False: it has to be read.
  bool retire(std::string_view text, const Callback<void()>& before = {});
  /// Octets that are no SIP message: 400 where it can be answered.
  void on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text);
  /// The names in the certificate of a connection's peer (RFC 5922 7.1): SIP domains and addresses. Before
  /// the first message of a connection whose peer has shown a certificate that is trusted.
  void on_peer_verified(transaction::FlowId flow, const std::vector<std::string>& names) {
    peering_.on_verified(flow, names);
  }
  /// What another shard, or the process around them, handed over.
  void run(Task task);

  // From the store, before the first message.
  void restore(const store::Record& record);
  void restore(store::Answer answer);
  void restored();

  void set_settings(Settings settings);
  /// `Room::on_user_gone` of every room: at once, and again for what requests leave that were under way.
  void on_user_gone(std::string_view aor, bool removed);
  /// False while the end of a user who is gone may leave something behind: requests are under way, or the
  /// store does not have the end yet.
  bool has_ended(std::string_view aor) const;
  unsigned number() const { return number_; }
  const Counters& counters() const { return counters_; }
  /// Nonces of digest credentials whose counts are remembered.
  std::size_t nonces() const { return authenticator_.nonces(); }
  /// The live tables of this shard's rooms.
  std::vector<Table> tables() const;

  // For those rooms that need them
  store::StateStore& store() { return parts_.store; }
  store::DurableStore& users() { return parts_.users; }
  store::EventBus& bus() { return parts_.bus; }
  locate::Locator& locator() { return parts_.locator; }
  transaction::Layer& transactions() { return layer_; }
  /// Checks digest credentials where their nonce lives, then calls back here, later. For HTTP: SIP requests
  /// that reach a room have been through it.
  void authenticate(Credentials credentials, std::function<void(Verdict, Now)> done);

  // Services
  const Settings& settings() const override { return settings_; }
  TimerQueue& timers() override { return parts_.timers; }
  Clock& clock() override { return parts_.clock; }
  Random& random() override { return parts_.random; }
  Directory& directory() override { return directory_; }
  const std::vector<std::string>& options() const override { return serves_.options; }
  using Answers::respond;
  void respond(const Request& request, std::string response) override;

  // Sender
  using Sender::send;
  transaction::TransactionId send(Bucket from, const transaction::Draft& request, const transaction::Hop& to,
                                  transaction::OnOutcome on_outcome) override;
  void send_ack(std::string ack, const transaction::Hop& to) override;
  void cancel(transaction::TransactionId id, std::string_view reason) override;
  std::string sent_by(const transaction::Hop& hop) const override { return parts_.transport.sent_by(hop); }

 private:
  void* find_room(std::type_index type) const;
  // Peers
  bool deliver(Parcel parcel) override;
  void deliver_back(Parcel parcel) override;
  void locate(const transaction::SentBy& sent_by, transaction::OnFound found);

  // transaction::User
  void on_request(transaction::TransactionId, const transaction::Hop&, const sip::Message&, Now) override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  /// Who sends INVITEs hears of each 2xx itself (`Draft::each_success`).
  void on_response(const transaction::Hop&, const sip::Message&, Now) override {}
  void on_failure(transaction::TransactionId id, transaction::Failure why, Now now) override;

  // Where a message arrives (arrival.cpp): nothing is kept.
  bool is_beyond_rate(const transaction::Hop& from, const sip::Message* request, Now now);
  bool is_beyond_rate(const transaction::Hop& from, const sip::Message* request, std::string_view domain,
                      Now now);
  void charge(const transaction::Hop& from, const sip::Message& request, Now now);
  void receive_response(const transaction::Hop& from, sip::Message response);
  void note_dropped(const transaction::Hop& from, std::string_view call_id, std::string_view why);
  void answer_options(const Arrival& arrival, Now now);
  bool refuse_at_once(Arrival& arrival, Now now);
  sip::Builder begin_stateless(const sip::Message& request, int status, std::string_view reason = {}) const;
  std::string refusal_of(const Arrival& arrival) const;
  std::string prove(Arrival& arrival, Now now);
  void note_domain(Arrival& arrival);
  std::string find_credentials(Arrival& arrival, const sip::UriView& claimed, Now now);
  bool may_draw(const transaction::Hop& from, const sip::Message& request, std::size_t octets) const;
  std::string challenge_text(const transaction::Hop& from, const sip::Message& request, bool relayed,
                             const Verdict& verdict);
  bool is_relayed(const Arrival& arrival) const;
  bool needs_credentials(const Arrival& arrival) const;
  bool is_server_itself(const sip::UriView& uri) const;
  bool is_for_another(const sip::Message& request, const sip::UriView& uri) const;
  std::string unsupported_of(const sip::Message& request, sip::HeaderId header) const;
  std::string codings_of(sip::Method method) const;
  void hand_over(Arrival arrival, Now now);

  // At the owner.
  void run(Arrival& arrival, Now now);
  void run(Question& question, Now now);
  void run(Answered& answered, Now now);
  void run(Parcel& parcel, Now now);
  void run(FlowClosed& closed, Now now);
  void run(Visit& visit, Now now);
  template <class T>
  bool send_on(Bucket bucket, T& task);
  void on_new_request(transaction::TransactionId id, Arrival& arrival, Now now);
  bool replay(const Request& request);
  void ask(Question question, Now now);
  void judge(transaction::TransactionId id, const Verdict& verdict, Now now);
  void refuse_unproven(const Request& request, std::string response, Now now);
  void dispatch(const std::shared_ptr<Request>& request, std::string_view resource);
  void answer_unserved(const Request& request, std::string_view package);
  void dispatch_for_another(const std::shared_ptr<Request>& request, const std::string& resource);
  void tell_gone(std::string_view aor, bool removed);
  void describe();
  Room* find_room_for(const Request& request, std::string_view package) const;

  struct Seat {
    std::unique_ptr<Room> room;
    Serves serves;
  };

  /// A request whose credentials are being checked.
  struct InQuestion {
    std::shared_ptr<Request> request;
    std::string resource;
    std::string claimed;
    bool cancelled = false;  ///< An INVITE, meanwhile.
  };

  unsigned number_;
  Settings settings_;
  ShardParts parts_;
  Post& post_;
  Directory directory_;
  Leavers leavers_;
  std::unordered_map<transaction::TransactionId, InQuestion> in_question_;
  std::unordered_map<std::uint64_t, std::function<void(Verdict, Now)>> askers_;  ///< Of `authenticate`.
  std::uint64_t last_ticket_ = 0;
  transaction::Layer layer_;
  const Gruus& gruus_;
  Authenticator authenticator_;
  RateLimit rate_;
  Time next_dropped_line_{};  ///< When the next line about a dropped response may be written.
  std::vector<Seat> rooms_;
  std::unordered_map<std::type_index, void*> by_type_;
  Relay* relay_ = nullptr;
  Serves serves_;                     ///< All rooms together.
  std::string allow_, allow_events_;  ///< The same, for the headers of that name.
  /// The lines of an answer to OPTIONS that say so (RFC 3261 11.2), the most useful first.
  std::vector<std::string> capabilities_;
  Peering peering_;
  std::unordered_map<std::string, std::string>
      replays_;  ///< Request identity -> response, from before a restart.
  Timer replays_end_;
  Counters counters_;
};

}  // namespace beckon::server
