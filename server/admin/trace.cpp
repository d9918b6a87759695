#include "server/admin/trace.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <utility>

#include "protocol/trace/ladder.hpp"

namespace beckon::server::admin {

namespace {

/// A line of the answer: an event "trace", or "lost" with how many messages were.
void tell(const boost::json::object& event, trace::Ladder& ladder, std::ostream& out) {
  const auto* count = event.if_contains("count");
  if (count == nullptr) {
    out << ladder.draw(trace::from_json(event));
  } else {
    out << "  ... " << boost::json::serialize(*count) << " messages were overwritten before they were read\n";
  }
}

std::optional<boost::json::object> parse_event(std::string_view line) {
  boost::json::error_code error;
  auto value = boost::json::parse(line, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

}  // namespace

struct Traces::Asker {
  trace::Reader reader;
  ReplyPtr reply;
  Time until{};  ///< Of this round of pages.
};

Traces::Traces(net::Loop& loop, std::size_t shards, ReadPages read)
    : loop_(loop), shards_(shards), read_(std::move(read)) {}

Traces::~Traces() = default;

void Traces::start(std::string_view question, ReplyPtr reply) {
  auto parsed = trace::parse_question(question);
  if (!parsed) return reply->finish(refusal("the question cannot be read"));
  if (askers_.size() == most)
    return reply->finish(refusal(fmt::format("{} others are asking: that is the most at once", most)));
  start_round(askers_.emplace_back(
      std::make_shared<Asker>(Asker{trace::Reader(std::move(*parsed), shards_), std::move(reply)})));
}

void Traces::start_round(const std::shared_ptr<Asker>& asker) {
  asker->until = loop_.now().mono;
  read(asker);
}

void Traces::read(const std::shared_ptr<Asker>& asker) {
  std::vector<std::optional<std::uint64_t>> from;
  for (std::size_t i = 0; i < shards_; ++i) from.push_back(asker->reader.next(i));
  read_(std::move(from), asker->until, [this, weak = std::weak_ptr(asker)](auto pages) {
    if (const auto self = weak.lock()) write(self, self->reader.take(std::move(pages)));
  });
}

void Traces::write(const std::shared_ptr<Asker>& asker, std::string text) {
  if (text.empty()) return go_on(asker);
  asker->reply->send(std::move(text), [this, weak = std::weak_ptr(asker)] {
    if (const auto self = weak.lock()) go_on(self);
  });
}

void Traces::go_on(const std::shared_ptr<Asker>& asker) {
  const bool over = asker->reader.is_done() && !asker->reader.question().follow;
  if (over) asker->reply->finish({});
  if (over || !asker->reply->is_open()) {
    std::erase(askers_, asker);
    return;
  }
  if (!asker->reader.is_done()) return read(asker);
  loop_.timers().set(loop_.now().mono + pause, [this, weak = std::weak_ptr(asker)](Time) {
    if (const auto self = weak.lock()) start_round(self);
  });
}

Exit run_trace(const CommandLine& line, std::ostream& out, std::ostream& errors) {
  const trace::Question question{.about = line.argument,
                                 .detail = line.writing ? trace::Detail::writing
                                           : line.full  ? trace::Detail::full
                                                        : trace::Detail::line,
                                 .follow = line.follow};
  trace::Ladder ladder({.self = "beckond", .is_server = true, .colour = ::isatty(STDOUT_FILENO) == 1});
  std::vector<boost::json::object> events;
  bool readable = true;
  std::string refused;
  const auto asked =
      listen(socket_path(line.config.data), "trace " + boost::json::serialize(trace::to_json(question)),
             [&](std::string_view text) {
               auto event = parse_event(text);
               readable &= event.has_value();
               if (!event) return;
               if (auto why = reason_of_refusal(*event)) {
                 refused = std::move(*why);
               } else if (line.json) {
                 out << text << std::endl;
               } else if (line.follow) {
                 tell(*event, ladder, out);
                 out.flush();
               } else {
                 events.push_back(std::move(*event));
               }
             });
  if (!asked) {
    errors << "beckond: " << asked.error().message() << " (" << line.config.data.string() << ")\n";
    return Exit::failed;
  }
  if (!refused.empty()) {
    errors << "beckond: refused: " << refused << '\n';
    return Exit::failed;
  }
  for (const auto& event : events) {
    if (!event.contains("count")) ladder.meet(trace::from_json(event));
  }
  for (const auto& event : events) tell(event, ladder, out);
  return readable ? Exit::done : Exit::failed;
}

}  // namespace beckon::server::admin
