#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include "protocol/sip/check.hpp"
#include "server/shard/authenticator.hpp"
#include "server/shard/rate_limit.hpp"
#include "server/shard/services.hpp"

namespace beckon::server {

class Shard;

/// Work handed from one shard to another.
using Task = std::function<void(Shard& there, Now now)>;

/// Brings tasks to the owner of a bucket: `Node`.
class Post {
 public:
  virtual ~Post() = default;
  /// Number of the shard that owns it.
  virtual unsigned owner(Bucket bucket) const = 0;
  /// Runs `task` later on the thread of the owner; in order between two shards. False: that shard has more
  /// waiting than it may.
  [[nodiscard]] virtual bool post(Bucket bucket, Task task) = 0;
  /// The same, never refused: for what must come back.
  virtual void post_back(Bucket bucket, Task task) = 0;
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
  std::uint64_t requests = 0;    ///< New ones, retransmissions not counted.
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
class Shard final : public Services, private transaction::User {
 public:
  Shard(unsigned number, Settings settings, const ServerKey& key, ShardParts parts, Post& post);
  ~Shard() override;

  /// Makes a room of this shard. Requests are offered in the order of adding.
  template <class T, class... Args>
  T& add(Args&&... args) {
    auto room = std::make_unique<T>(std::forward<Args>(args)...);
    T& added = *room;
    rooms_.push_back(std::move(room));
    by_type_.emplace(typeid(T), &added);
    describe();
    return added;
  }
  /// The room that takes what is not for the server itself: dialogs we stand in the way of, unknown methods.
  void set_relay(Relay& room) { relay_ = &room; }

  // From the network; any bucket.
  void on_message(const transaction::Hop& from, sip::Message message);
  /// Octets that are no SIP message: 400 where it can be answered.
  void on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text);
  /// Each shard is told of each flow of the node: whom its peer's certificate is for, if he showed one (RFC
  /// 5922 7.1), and that it is gone.
  void on_peer_verified(transaction::FlowId flow, std::vector<std::string> names);
  void on_flow_closed(transaction::FlowId flow);

  // From the store, before the first message.
  void restore(const store::Record& record);
  void restore(store::Answer answer);
  void restored();

  void set_settings(Settings settings);
  unsigned number() const { return number_; }
  const Counters& counters() const { return counters_; }
  /// All live tables of this shard's rooms, and its transactions.
  std::vector<Table> tables() const;

  // Services
  const Settings& settings() const override { return settings_; }
  TimerQueue& timers() override { return parts_.timers; }
  Clock& clock() override { return parts_.clock; }
  Random& random() override { return parts_.random; }
  store::StateStore& store() override { return parts_.store; }
  store::DurableStore& users() override { return parts_.users; }
  store::EventBus& bus() override { return parts_.bus; }
  Directory& directory() override { return directory_; }
  locate::Locator& locator() override { return parts_.locator; }
  bool post(Bucket bucket, Command command) override;
  void post_back(Bucket bucket, Command command) override;
  using Services::respond;
  void respond(const Request& request, std::string response) override;
  using Services::send;
  transaction::TransactionId send(Bucket from, std::string request, const transaction::Hop& to,
                                  transaction::OnOutcome on_outcome, std::string_view branch_part) override;
  transaction::Layer& transactions() override { return layer_; }
  std::string sent_by(const transaction::Hop& hop) const override { return parts_.transport.sent_by(hop); }
  const std::vector<std::string>& peer_names(transaction::FlowId flow) const override;
  void authenticate(Credentials credentials, std::function<void(Verdict, Now)> done) override;

 private:
  void* find_room(std::type_index type) override;
  void locate(const transaction::SentBy& sent_by, transaction::OnFound found);

  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop& from, const sip::Message& ack, Now now) override;
  void on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) override;
  void on_response(const transaction::Hop& from, const sip::Message& response, Now now) override;
  void on_failure(transaction::TransactionId id, transaction::Failure why, Now now) override;

  bool is_beyond_rate(const transaction::Hop& from, const sip::Message* request, Now now);
  void charge(const transaction::Hop& from, const sip::Message& request, Now now);
  /// A message at the shard that owns it. Made where it arrived.
  struct Arrival {
    transaction::Hop from;
    sip::Message message;
    sip::Reading reading;
  };
  void answer_options(const transaction::Hop& from, const sip::Message& request, const sip::Reading& reading,
                      Now now);
  void receive(Bucket bucket, Arrival& arrival, Now now);
  bool replay(const Request& request);
  template <class Reply>
  std::string refusal_of(const transaction::Hop& from, const sip::Message& request, bool relayed,
                         Reply reply) const;
  bool refuse(const Request& request);
  bool is_relayed(const sip::Message& request, const sip::Reading& reading) const;
  bool needs_credentials(const Request& request) const;
  void check_credentials(std::shared_ptr<Request> request);
  void judge(std::shared_ptr<Request> request, Verdict verdict);
  void challenge(const Request& request, const Verdict& verdict);
  bool is_own_claim(const Request& request) const;
  void dispatch(const std::shared_ptr<Request>& request);
  void answer_unhandled(const Request& request, sip::Method method, std::string_view package);
  void describe();
  Room* find_handler(sip::Method method, std::string_view package) const;
  bool is_server_itself(const sip::UriView& uri) const;

  unsigned number_;
  Settings settings_;
  ShardParts parts_;
  Post& post_;
  Directory directory_;
  Bucket at_ = 0;  ///< The bucket whose message is being handled; goes into the branches made meanwhile.
  Arrival* arrival_ = nullptr;  ///< The message `receive` hands to the layer; null at any other time.
  std::unordered_map<transaction::TransactionId, bool>
      in_question_;  ///< INVITEs whose credentials are being checked; true: cancelled meanwhile.
  transaction::Layer layer_;
  Authenticator authenticator_;
  RateLimit rate_;
  std::vector<std::unique_ptr<Room>> rooms_;
  std::unordered_map<std::type_index, void*> by_type_;
  Relay* relay_ = nullptr;
  std::string allow_, allow_events_;  ///< What the rooms serve, for the headers of that name.
  std::string capabilities_;          ///< The lines that an answer to OPTIONS tells it with (RFC 3261 11.2).
  std::unordered_map<transaction::FlowId, std::vector<std::string>> peers_;  ///< With a certificate.
  std::unordered_map<std::string, std::string>
      replays_;  ///< Request identity -> response, from before a restart.
  Timer replays_end_;
  Counters counters_;
};

}  // namespace beckon::server
