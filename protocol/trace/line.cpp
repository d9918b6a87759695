#include "protocol/trace/line.hpp"

#include <functional>

#include "protocol/base/text.hpp"
#include "protocol/trace/mask.hpp"

namespace beckon::trace {

using sip::HeaderId;

namespace {

std::string aor_of(const Result<sip::NameAddr>& address) {
  return address ? sip::canonical_aor(address->uri) : std::string();
}

std::string event_of(const sip::Message& message) {
  std::string event(message.header(HeaderId::event));
  if (event.empty() || !message.has(HeaderId::subscription_state)) return event;
  return event + ", " + std::string(cut(message.header(HeaderId::subscription_state), ';').first);
}

std::string clean(std::string text) {
  if (is_utf8(text)) return text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return text;
}

std::string print_milliseconds(WallTime time) {
  std::string text = print_time(time);
  const auto fraction = std::to_string(1000 + time.time_since_epoch().count() % 1000);
  text.insert(text.size() - 1, "." + fraction.substr(1));
  return text;
}

}  // namespace

Line make_line(const Entry& entry, Detail detail) {
  Line line;
  line.time = entry.time.wall;
  line.direction = entry.direction;
  line.protocol = to_lower(transaction::via_name(entry.hop.protocol));
  line.peer = print(entry.hop.remote);
  line.size = entry.size;
  if (entry.problem) line.problem = entry.problem.message();
  std::string masked = mask(entry.text);
  if (detail == Detail::full) line.text = mask_writing(masked, !line.problem.empty());
  if (detail == Detail::writing) line.text = masked;
  // Content-Length no longer fits, and the body does not matter here.
  const auto message = sip::Message::salvage(share(std::move(masked)));
  if (!message) return line;
  line.method = message->method_text();
  line.status = message->status();
  const auto cseq = message->cseq();
  if (message->is_response()) {
    line.reason = message->reason();
    line.method = cseq ? cseq->method : std::string();
  } else {
    line.request_uri = message->request_uri_text();
  }
  line.from = aor_of(message->from());
  line.to = aor_of(message->to());
  line.call_id = message->call_id();
  line.cseq = message->header(HeaderId::cseq);
  line.event = event_of(*message);
  return line;
}

std::string summary(const Line& line) {
  if (line.status != 0) {
    return std::to_string(line.status) + " " + line.reason +
           (line.method.empty() ? std::string() : " (" + line.method + ")");
  }
  if (line.method.empty()) return "unreadable";
  return line.method + " " + line.request_uri +
         (line.event.empty() ? std::string() : " (" + line.event + ")");
}

bool is_about(const Line& line, std::string_view who) {
  if (who.empty() || line.call_id == who) return true;
  const bool has_scheme = who.starts_with("sip:") || who.starts_with("sips:") || who.starts_with("tel:");
  const auto uri = sip::parse_uri(has_scheme ? std::string(who) : "sip:" + std::string(who));
  if (!uri) return false;
  const std::string aor = sip::canonical_aor(*uri);
  if (line.from == aor || line.to == aor) return true;
  const auto target = sip::parse_uri(line.request_uri);
  return target && sip::canonical_aor(*target) == aor;
}

boost::json::object to_json(const Line& line) {
  boost::json::object event{
      {"event", "trace"},
      {"time", print_milliseconds(line.time)},
      {"direction", line.direction == Direction::sent ? "sent" : "received"},
      {"protocol", line.protocol},
      {"peer", line.peer},
      {"summary", clean(summary(line))},
      {"size", line.size},
  };
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) event[name] = clean(value);
  };
  add("method", line.method);
  add("request_uri", line.request_uri);
  if (line.status != 0) event["status"] = line.status;
  add("reason", line.reason);
  add("from", line.from);
  add("to", line.to);
  add("call_id", line.call_id);
  add("cseq", line.cseq);
  add("package", line.event);
  if (line.repeated) event["repeated"] = true;
  add("malformed", line.problem);
  add("text", line.text);
  return event;
}

Line from_json(const boost::json::object& event) {
  const auto text = [&](std::string_view name) {
    const auto* value = event.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  const auto number = [&](std::string_view name) {
    const auto* value = event.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
  };
  Line line;
  if (const auto time = parse_time(text("time"))) line.time = *time;
  line.direction = text("direction") == "sent" ? Direction::sent : Direction::received;
  line.protocol = text("protocol");
  line.peer = text("peer");
  line.method = text("method");
  line.request_uri = text("request_uri");
  line.status = static_cast<int>(number("status"));
  line.reason = text("reason");
  line.from = text("from");
  line.to = text("to");
  line.call_id = text("call_id");
  line.cseq = text("cseq");
  line.event = text("package");
  line.size = static_cast<std::size_t>(number("size"));
  line.repeated = event.contains("repeated");
  line.problem = text("malformed");
  line.text = text("text");
  return line;
}

bool Repeats::seen(const Entry& entry) {
  std::size_t hash = std::hash<std::string_view>{}(entry.text);
  hash = hash * 31 + std::hash<Address>{}(entry.hop.remote);
  hash = hash * 31 + static_cast<std::size_t>(entry.direction);
  if (known_.contains(hash) || older_.contains(hash)) return true;
  if (known_.size() == most) {
    older_ = std::move(known_);
    known_.clear();
  }
  known_.insert(hash);
  return false;
}

}  // namespace beckon::trace
