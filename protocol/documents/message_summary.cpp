#include "protocol/documents/message_summary.hpp"

#include <algorithm>
#include <limits>

#include "protocol/base/text.hpp"

namespace beckon::documents {

namespace {

/// "12"; what is larger than 2^32-1 is that.
std::optional<std::uint32_t> read_count(std::string_view text) {
  text = trim(text);
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  return parse_number<std::uint32_t>(text).value_or(std::numeric_limits<std::uint32_t>::max());
}

/// "4/8"
std::optional<MessageCount> read_counts(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto fresh = read_count(text.substr(0, slash)), old = read_count(text.substr(slash + 1));
  if (!fresh || !old) return std::nullopt;
  return MessageCount{*fresh, *old};
}

/// "4/8 (1/2)"
std::optional<MessageClass> read_class(std::string_view name, std::string_view value) {
  MessageClass read{.name = to_lower(name)};
  const auto open = value.find('(');
  const auto all = read_counts(value.substr(0, open));
  if (!all) return std::nullopt;
  read.all = *all;
  if (open == std::string_view::npos) return read;
  const std::string_view rest = trim(value.substr(open + 1));
  if (!rest.ends_with(')')) return std::nullopt;
  read.urgent = read_counts(rest.substr(0, rest.size() - 1));
  return read.urgent ? std::optional(std::move(read)) : std::nullopt;
}

/// A header's name: the characters of an RFC 3261 token.
bool is_name(std::string_view text) {
  const auto is_token = [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-.!%*_+`'~").find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, is_token);
}

/// Without characters that would end the line.
std::string plain_value(std::string_view value) {
  std::string out(value);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return std::string(trim(out));
}

/// "Voice-Message" for "voice-message".
std::string print_name(std::string_view name) {
  std::string out(name);
  bool begins = true;
  for (char& c : out) {
    if (begins) c = to_upper(c);
    begins = c == '-';
  }
  return out;
}

std::string print_counts(const MessageCount& count) {
  return std::to_string(count.fresh) + '/' + std::to_string(count.old);
}

/// Walks over the lines of a body, folded ones as one (RFC 3261 7.3.1).
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool next(std::string& line) {
    if (rest_.empty()) return false;
    line = take();
    // An empty line ends a block and folds nothing.
    while (!line.empty() && !rest_.empty() && is_blank(rest_.front())) line.append(" ").append(trim(take()));
    return true;
  }

 private:
  std::string_view take() {
    const auto end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  std::string_view rest_;
};

class SummaryReader {
 public:
  Result<MessageSummary> read(std::string_view body) {
    Lines lines(body);
    std::string line;
    for (std::size_t count = 0; lines.next(line); ++count) {
      if (count == message_summary_lines) return Errc::bad_structure;
      if (trim(line).empty()) {
        begins_message_ = has_status_;
        continue;
      }
      if (const auto error = take(line)) return *error;
    }
    if (!has_status_) return Errc::bad_structure;
    return std::move(summary_);
  }

 private:
  std::optional<Errc> take(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view name = trim(line.substr(0, colon)), value = trim(line.substr(colon + 1));
    if (!is_name(name)) return std::nullopt;
    if (begins_message_) summary_.messages.emplace_back();
    begins_message_ = false;
    if (!summary_.messages.empty()) {
      summary_.messages.back().emplace_back(name, plain_value(value));
      return std::nullopt;
    }
    if (iequals(name, "Messages-Waiting")) {
      if (!iequals(value, "yes") && !iequals(value, "no")) return Errc::bad_value;
      summary_.waiting = iequals(value, "yes");
      has_status_ = true;
    } else if (iequals(name, "Message-Account")) {
      summary_.account = plain_value(value);
    } else if (auto read = read_class(name, value)) {
      summary_.classes.push_back(std::move(*read));
    }
    return std::nullopt;
  }

  MessageSummary summary_;
  bool has_status_ = false;
  bool begins_message_ = false;
};

}  // namespace

Result<MessageSummary> parse_message_summary(std::string_view body) { return SummaryReader().read(body); }

std::string print(const MessageSummary& summary) {
  std::string out = std::string("Messages-Waiting: ") + (summary.waiting ? "yes" : "no") + "\r\n";
  if (!summary.account.empty()) out += "Message-Account: " + summary.account + "\r\n";
  for (const MessageClass& each : summary.classes) {
    out += print_name(each.name) + ": " + print_counts(each.all);
    if (each.urgent) out += " (" + print_counts(*each.urgent) + ')';
    out += "\r\n";
  }
  for (const MessageHeaders& headers : summary.messages) {
    out += "\r\n";
    for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  }
  return out;
}

void add(MessageSummary& sum, MessageSummary more) {
  const auto add_count = [](std::uint32_t& count, std::uint32_t others) {
    count += std::min(others, std::numeric_limits<std::uint32_t>::max() - count);
  };
  const auto add_counts = [&](MessageCount& counts, const MessageCount& others) {
    add_count(counts.fresh, others.fresh);
    add_count(counts.old, others.old);
  };
  sum.waiting |= more.waiting;
  for (MessageClass& each : more.classes) {
    const auto known = std::ranges::find(sum.classes, each.name, &MessageClass::name);
    if (known == sum.classes.end()) {
      sum.classes.push_back(std::move(each));
      continue;
    }
    add_counts(known->all, each.all);
    if (!each.urgent) continue;
    if (!known->urgent) known->urgent.emplace();
    add_counts(*known->urgent, *each.urgent);
  }
}

}  // namespace beckon::documents
