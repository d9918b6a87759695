#include "protocol/sip/framer.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/lines.hpp"

namespace beckon::sip {

namespace {

/// Octets of buffer that a connection keeps between messages; what a larger message took is freed.
constexpr std::size_t kept_capacity = 2048;

/// Content-Length of a head; 0 where there is none. Folded lines are read as one.
Result<std::size_t> body_length(std::string_view head) {
  std::string unfolded;
  LengthReader length;
  LineCursor cursor(head);
  for (std::string_view line, whole; cursor.next(line, whole) && !line.empty();) {
    if (cursor.at_fold() && unfolded.empty()) {
      unfolded = blank_folds(std::string(head));
      cursor = LineCursor(unfolded);
      continue;
    }
    std::string_view name, value;
    if (!split_header(line, name, value) || parse_header_name(name) != HeaderId::content_length) continue;
    if (!length.add(value)) return Errc::bad_length;
  }
  return length.value().value_or(0);
}

}  // namespace

void Framer::push(std::string_view octets) {
  if (failed_) return;
  compact();
  buffer_.append(octets);
}

Result<std::optional<Framer::Item>> Framer::next() {
  if (failed_) return *failed_;
  if (head_ == 0 && scanned_ == 0) {
    if (auto item = next_line_end()) return item;
    const auto rest = std::string_view(buffer_).substr(begin_);
    if (rest.empty() || rest == "\r") {
      compact();
      return std::optional<Item>{};
    }
  }
  auto item = next_message();
  if (item && !*item) compact();
  return item;
}

/// Frees what was given out, so that a connection costs what it holds.
void Framer::compact() {
  if (begin_ == 0) return;
  if (buffer_.capacity() > kept_capacity && buffer_.size() - begin_ <= kept_capacity)
    buffer_.substr(begin_).swap(buffer_);  // an assignment may keep the memory
  else
    buffer_.erase(0, begin_);
  begin_ = 0;
}

void Framer::empty_buffer() {
  begin_ = 0;
  if (buffer_.capacity() > kept_capacity) std::string().swap(buffer_);
  buffer_.clear();
}

std::optional<Framer::Item> Framer::next_line_end() {
  const auto rest = std::string_view(buffer_).substr(begin_);
  const std::size_t size = rest.starts_with('\n') ? 1 : rest.starts_with("\r\n") ? 2 : 0;
  if (size == 0) return std::nullopt;
  begin_ += size;
  after_line_end_ = !after_line_end_;
  return Item{after_line_end_ ? Item::Kind::pong : Item::Kind::ping, std::nullopt};
}

Result<std::optional<Framer::Item>> Framer::next_message() {
  const auto rest = std::string_view(buffer_).substr(begin_);
  if (head_ == 0) {
    const auto end = find_head_end(rest.substr(0, limits_.message), scanned_);
    if (!end && rest.size() >= limits_.message) return fail(Errc::too_long);
    if (!end) {
      // The blank line may have begun with the last three octets.
      scanned_ = std::max<std::size_t>(rest.size(), 4) - 3;
      return std::optional<Item>{};
    }
    const auto length = body_length(rest.substr(0, *end));
    if (!length) return fail(Errc::bad_length);
    if (*length > limits_.message - *end) return fail(Errc::too_long);
    head_ = *end;
    body_ = *length;
  }
  if (rest.size() < head_ + body_) return std::optional<Item>{};
  auto text = share(rest.substr(0, head_ + body_));
  auto message = Message::parse(text, limits_);
  if (!message) {
    refused_ = std::move(text);
    empty_buffer();
    failed_ = static_cast<Errc>(message.error().value());
    return message.error();
  }
  begin_ += head_ + body_;
  scanned_ = head_ = body_ = 0;
  after_line_end_ = false;
  return std::optional<Item>(Item{Item::Kind::message, std::move(*message)});
}

Errc Framer::fail(Errc why) {
  failed_ = why;
  refused_ = share(std::string_view(buffer_).substr(begin_));
  empty_buffer();
  return why;
}

}  // namespace beckon::sip
