#include "server/daemon/operator_ports.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/base/text.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/tables.hpp"
#include "server/daemon/gather.hpp"
#include "server/explain.hpp"
#include "server/groups/groups.hpp"
#include "server/message/messages.hpp"
#include "server/presence/presentities.hpp"
#include "server/publication/publications.hpp"
#include "server/registrar/registrar.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/users/user.hpp"

namespace beckon::server {

OperatorPorts::OperatorPorts(const Seats& seats, Node& node, std::function<void()> on_users,
                             std::function<std::size_t()> store_backlog)
    : seats_(seats),
      node_(node),
      loop_(seats.front()->loop),
      on_users_(std::move(on_users)),
      store_backlog_(std::move(store_backlog)),
      traces_(loop_, seats.size(),
              [this](const std::vector<std::optional<std::uint64_t>>& from, Time until,
                     const std::function<void(Pages)>& done) { read_trace(from, until, done); }),
      socket_(loop_, [this](const std::string& line, const admin::ReplyPtr& reply) { answer(line, reply); }) {
}

std::optional<Failure> OperatorPorts::open(const std::filesystem::path& data) {
  const auto path = admin::socket_path(data);
  const auto opened = socket_.listen(path);
  if (opened) return std::nullopt;
  return Failure{Exit::cannot_listen, path.string() + ": " + opened.error().message()};
}

void OperatorPorts::answer(const std::string& line, const admin::ReplyPtr& reply) {
  const auto [verb, word] = cut(line, ' ');
  if (verb == "trace") return traces_.start(word, reply);
  if (verb == "tables" || verb == "about") return answer_tables(std::string(word), reply);
  if (verb == "rooms") return answer_rooms(reply);
  if (verb == "room") return answer_room(word, reply);
  if (verb == "explain") return answer_explain(word, reply);
  if (verb != "users") return reply->finish(admin::refusal("the question cannot be read"));
  on_users_();
  reply->finish("{}");
}

void OperatorPorts::answer_tables(const std::string& about, const admin::ReplyPtr& reply) {
  gather<std::vector<Table>>(
      node_, loop_, [](Shard& shard) { return shard.tables(); },
      [reply, about](const std::vector<std::vector<Table>>& parts) {
        std::vector<Table> all;
        for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
        all = admin::merge(std::move(all));
        if (!about.empty()) all = admin::rows_about(std::move(all), about);
        reply->finish(admin::print_json(all));
      });
}

void OperatorPorts::answer_rooms(const admin::ReplyPtr& reply) {
  using Names = std::vector<std::string>;
  gather<Names>(
      node_, loop_, [](Shard& shard) { return shard.room<groups::Groups>().all(); },
      [reply](const std::vector<Names>& parts) {
        boost::json::array all;
        for (const Names& part : parts)
          for (const std::string& each : part) all.emplace_back(each);
        reply->finish(boost::json::serialize(all));
      });
}

/// "room make sip:lunch@example.org sip:alice@example.org TOPIC", "room end sip:lunch@example.org": asked at
/// the room's bucket.
void OperatorPorts::answer_room(std::string_view words, const admin::ReplyPtr& reply) {
  const auto [verb, names] = cut(words, ' ');
  const auto [name, rest] = cut(names, ' ');
  const auto [owner, topic] = cut(rest, ' ');
  const auto room = users::canonical_aor(name);
  const auto member = users::canonical_aor(owner);
  const bool is_making = verb == "make";
  if (!room || (is_making ? !member : verb != "end"))
    return reply->finish(admin::refusal("the question cannot be read"));
  groups::Command command{.verb = is_making ? groups::Command::Verb::make : groups::Command::Verb::end,
                          .room = *room};
  if (is_making) {
    command.member = *member;
    command.wishes.topic = std::string(topic);
  }
  const auto ask = [this, reply, command](Shard& shard, Now) {
    shard.room<groups::Groups>().ask(
        bucket_of(command.room), command, [this, reply](const groups::Answer& answer) {
          const int status = answer.status;
          loop_.post([reply, status] {
            reply->finish(status / 100 == 2 ? "{}" : admin::refusal(groups::reason_of(status)));
          });
        });
  };
  node_.post_back(node_.owner(bucket_of(*room)), Visit{ask});
}

/// "explain sip:alice@example.org sip:bob@example.org": asked at the presentity's bucket.
void OperatorPorts::answer_explain(std::string_view names, const admin::ReplyPtr& reply) {
  const auto [presentity, watcher] = cut(names, ' ');
  const auto owner = users::canonical_aor(presentity), other = users::canonical_aor(watcher);
  if (!owner || !other) return reply->finish(admin::refusal("the question cannot be read"));
  const auto ask = [this, reply, owner = *owner, other = *other](Shard& shard, Now) {
    explain(shard, owner, other, [this, reply](const boost::json::object& facts) {
      loop_.post([reply, text = boost::json::serialize(facts)] { reply->finish(text); });
    });
  };
  node_.post_back(node_.owner(bucket_of(*owner)), Visit{ask});
}

void OperatorPorts::read_trace(const std::vector<std::optional<std::uint64_t>>& from, Time until,
                               const std::function<void(Pages)>& done) {
  using Numbered = std::pair<unsigned, trace::Recorder::Page>;
  gather<Numbered>(
      node_, loop_,
      [this, from, until](Shard& shard) {
        const unsigned number = shard.number();
        Numbered read(number, {});
        if (const auto at = from[number])
          read.second = seats_[number]->recorder.read(*at, until, trace::Reader::page);
        return read;
      },
      [done](std::vector<Numbered> parts) {
        Pages pages(parts.size());
        for (Numbered& each : parts) pages[each.first] = std::move(each.second);
        done(std::move(pages));
      });
}

void OperatorPorts::answer(const http::HttpRequest& request, const http::Respond& respond) {
  if (request.method != "GET" && request.method != "HEAD")
    return respond({.status = 405, .headers = {{"Allow", "GET, HEAD"}}});
  if (request.target == "/health") {
    return respond(
        {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = "{\"status\":\"ok\"}\n"});
  }
  if (request.target != "/metrics") return respond({.status = 404});
  answer_metrics(respond);
}

admin::Metrics OperatorPorts::metrics_of(Shard& shard) const {
  const auto& registrar = shard.room<registrar::Registrar>();
  const auto& subscriptions = shard.room<subscription::Subscriptions>();
  const subscription::NotifyCounters& notifies = subscriptions.notify_counters();
  admin::Metrics metrics{.counters = shard.counters(),
                         .transactions = shard.transactions().size(),
                         .registered = registrar.size(),
                         .bindings = registrar.binding_count(),
                         .flows = seats_[shard.number()]->transport->flows(),
                         .nonces = shard.nonces(),
                         .notifies = notifies.sent,
                         .resent = shard.transactions().resent(),
                         .latency = shard.room<presence::Presentities>().watches().latency(),
                         .staleness = subscriptions.staleness(shard.clock().now().mono)};
  shard.room<publication::Publications>().each_count([&](std::string_view package, std::size_t count) {
    metrics.publications[std::string(package)] = count;
  });
  const message::Boxes& boxes = shard.room<message::Messages>().boxes();
  metrics.messages_waiting = boxes.waiting();
  const auto& fates = boxes.counters();
  metrics.messages = {{"stored", fates.stored},
                      {"delivered", fates.delivered},
                      {"rejected", fates.rejected},
                      {"expired", fates.expired},
                      {"full", fates.full}};
  for (const auto& each : subscriptions.counts()) {
    const std::string package(each.package->key());
    metrics.subscriptions[{package, "active"}] = each.active;
    metrics.subscriptions[{package, "pending"}] = each.pending;
  }
  for (std::size_t status = 0; status < notifies.answers.size(); ++status)
    if (notifies.answers[status] != 0)
      metrics.notify_answers[std::to_string(status)] = notifies.answers[status];
  metrics.notify_answers["timeout"] = notifies.unanswered;
  metrics.notify_answers["transport-error"] = notifies.unsent;
  metrics.inboxes[std::to_string(shard.number())] = node_.waiting(shard.number());
  return metrics;
}

void OperatorPorts::answer_metrics(const http::Respond& respond) {
  gather<admin::Metrics>(
      node_, loop_, [this](Shard& shard) { return metrics_of(shard); },
      [this, respond](const std::vector<admin::Metrics>& parts) {
        admin::Metrics all;
        for (const auto& part : parts) all += part;
        all.store_backlog = store_backlog_();
        respond({.status = 200,
                 .headers = {{"Content-Type", "text/plain; version=0.0.4"}},
                 .body = admin::print(all)});
      });
}

}  // namespace beckon::server
