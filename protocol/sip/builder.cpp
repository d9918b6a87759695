#include "protocol/sip/builder.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_table.hpp"
#include "protocol/sip/scan.hpp"

namespace beckon::sip {

namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr auto phrases = std::to_array<Phrase>({
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {430, "Flow Failed"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
});

/// What a header's line begins with: "Via: ".
struct LineHead {
  std::array<char, 39> octets{};
  std::uint8_t size = 0;
  constexpr std::string_view text() const { return {octets.data(), size}; }
};
constexpr auto line_heads = [] {
  std::array<LineHead, header_count> heads{};
  for (const auto& row : header_table) {
    auto& head = heads[static_cast<std::size_t>(row.id)];
    for (const char c : row.name) head.octets[head.size++] = c;
    for (const char c : {':', ' '}) head.octets[head.size++] = c;
  }
  return heads;
}();

std::string_view phrase_of_class(int status) {
  switch (status / 100) {
    case 1:
      return "Session Progress";
    case 2:
      return "OK";
    case 3:
      return "Multiple Choices";
    case 4:
      return "Bad Request";
    case 5:
      return "Server Internal Error";
    default:
      return "Decline";
  }
}

}  // namespace

std::string_view default_reason(int status) {
  const auto found = std::find_if(phrases.begin(), phrases.end(),
                                  [status](const Phrase& row) { return row.status == status; });
  return found == phrases.end() ? phrase_of_class(status) : found->text;
}

Builder Builder::request(std::string_view method, std::string_view uri) {
  Builder out;
  out.clean(method).text_ += ' ';
  out.clean(uri).text_ += " SIP/2.0\r\n";
  return out;
}

Builder Builder::response(int status, std::string_view reason) {
  Builder out;
  out.text_ += "SIP/2.0 ";
  grammar::append_number(out.text_, static_cast<std::uint64_t>(status));
  out.text_ += ' ';
  out.clean(reason.empty() ? default_reason(status) : reason).text_ += "\r\n";
  return out;
}

Builder Builder::reply(const Message& request, int status, std::string_view to_tag, std::string_view reason) {
  Builder out = response(status, reason);
  out.copy(request, HeaderId::via).copy(request, HeaderId::from);
  const auto to = out.begin_line(HeaderId::to);
  out.text_ += request.header(HeaderId::to);
  if (!to_tag.empty() && request.to_tag().empty()) add_parameter(out.text_, "tag", to_tag);
  out.end_line(to).copy(request, HeaderId::call_id).copy(request, HeaderId::cseq);
  if (status == 100) out.copy(request, HeaderId::timestamp);
  return out;
}

Builder& Builder::add(HeaderId id, std::string_view value) {
  assert(id != HeaderId::other);
  const auto begin = begin_line(id);
  text_ += value;
  return end_line(begin);
}

Builder& Builder::add(std::string_view name, std::string_view value) {
  clean(name).text_ += ": ";
  const auto begin = text_.size();
  text_ += value;
  return end_line(begin);
}

Builder& Builder::add(HeaderId id, std::uint32_t value) {
  begin_line(id);
  grammar::append_number(text_, value);
  text_ += "\r\n";
  return *this;
}

Builder& Builder::add_lines(std::string_view lines) {
  text_ += lines;
  return *this;
}

Builder& Builder::copy(const Message& message, HeaderId id) {
  for (const auto& line : message.lines_of(id)) {
    if (line.id != id) continue;
    if (id == HeaderId::other)
      add(line.name, line.value);
    else
      copy(line);
  }
  return *this;
}

/// One line as ours are written is copied whole: "Name: value" and CRLF.
void Builder::copy(const HeaderLine& line) {
  const auto name = to_string(line.id);
  const auto head = line.line.substr(0, name.size() + 2);
  const bool usual = head == line_heads[static_cast<std::size_t>(line.id)].text() &&
                     line.value.data() == head.data() + head.size() &&
                     line.line.substr(head.size() + line.value.size()) == "\r\n";
  if (!usual) {
    add(line.id, line.value);
    return;
  }
  const auto value = text_.size() + name.size() + 2;
  text_ += line.line;
  blank_line_ends(value, text_.size() - 2);
}

std::string Builder::finish(std::string_view content_type, std::string_view body) {
  text_.reserve(text_.size() + content_type.size() + body.size() + 64);
  add(HeaderId::content_type, content_type);
  begin_line(HeaderId::content_length);
  grammar::append_number(text_, body.size());
  text_ += "\r\n\r\n";
  text_ += body;
  return std::move(text_);
}

std::string Builder::finish() {
  text_ += "Content-Length: 0\r\n\r\n";
  return std::move(text_);
}

std::size_t Builder::begin_line(HeaderId id) {
  text_ += line_heads[static_cast<std::size_t>(id)].text();
  return text_.size();
}

Builder& Builder::end_line(std::size_t value) {
  blank_line_ends(value, text_.size());
  text_ += "\r\n";
  return *this;
}

Builder& Builder::clean(std::string_view text) {
  const auto begin = text_.size();
  text_ += text;
  blank_line_ends(begin, text_.size());
  return *this;
}

void Builder::blank_line_ends(std::size_t from, std::size_t to) {
  const auto text = std::string_view(text_).substr(0, to);
  for (auto at = from; (at = scan::find_any(text, at, '\r', '\n', '\0')) < to;) text_[at] = ' ';
}

}  // namespace beckon::sip
