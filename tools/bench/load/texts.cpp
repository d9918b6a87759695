#include "tools/bench/load/texts.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace beckon::bench {
namespace {

constexpr std::string_view mark = "z9hG4bKbench";
constexpr std::size_t digits = 8;
constexpr std::string_view crlf = "\r\n";

void copy_line(std::string& out, std::string_view request, std::string_view name, std::string_view end = {}) {
  out += name;
  out += ": ";
  out += header(request, name);
  out += end;
  out += crlf;
}

/// All lines that begin so.
void copy_lines(std::string& out, std::string_view request, std::string_view begin) {
  for (std::size_t line = request.find(begin); line != std::string_view::npos;
       line = request.find(begin, line)) {
    line += crlf.size();
    out += request.substr(line, request.find(crlf, line) - line);
    out += crlf;
  }
}

}  // namespace

std::string user(char kind, std::uint32_t number) { return fmt::format(FMT_COMPILE("{}{}"), kind, number); }

std::string print(const Request& request, Ticket ticket, std::uint16_t port) {
  std::string text;
  text.reserve(1400);
  const auto out = std::back_inserter(text);
  fmt::format_to(out,
                 FMT_COMPILE("{0} {1} SIP/2.0\r\n"
                             "Via: SIP/2.0/UDP 127.0.0.1:{2};branch={3}{4:08x}{5:08x};rport\r\n"
                             "Max-Forwards: 70\r\n"
                             "From: <sip:{6}@{7}>;tag=f{6}\r\n"
                             "To: <sip:{8}{9}{7}>{10}{11}\r\n"
                             "Call-ID: {12}\r\n"
                             "CSeq: {13} {0}\r\n"
                             "User-Agent: beckon-bench\r\n"),
                 request.method, request.uri, port, mark, ticket.slot, ticket.serial, request.from, domain,
                 request.to, request.to.empty() ? "" : "@",
                 request.to_tag.empty() ? "" : ";tag=", request.to_tag, request.call_id, request.cseq);
  text += request.headers;
  fmt::format_to(out, FMT_COMPILE("Content-Length: {}\r\n\r\n"), request.body.size());
  text += request.body;
  return text;
}

std::string list_document(std::uint32_t number, std::uint32_t members) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\"?><rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\""
      " xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\"><service uri=\"sip:list{}@{}\"><list>",
      number, domain);
  for (std::uint32_t i = 0; i < members; ++i)
    text += fmt::format("<rl:entry uri=\"sip:{}@{}\"/>", user('p', i), domain);
  return text + "</list><packages><package>presence</package></packages></service></rls-services>";
}

std::string echo_text(Ticket ticket) {
  auto text = fmt::format(FMT_COMPILE("{}{:08x}{:08x}"), mark, ticket.slot, ticket.serial);
  text.resize(echo_octets, '.');
  return text;
}

std::string pidf_mark(std::uint32_t serial) { return fmt::format(FMT_COMPILE("turn {:08x}"), serial); }

std::string pidf(std::string_view presentity, std::uint32_t serial) {
  constexpr std::string_view end = "</dm:note></dm:person></presence>\n";
  std::string text = fmt::format(
      FMT_COMPILE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
                  " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
                  " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:{0}@{1}\">"
                  "<tuple id=\"desk\"><status><basic>open</basic></status>"
                  "<contact priority=\"0.8\">sip:{0}@{1}</contact><note>{2}</note></tuple>"
                  "<dm:person id=\"me\"><rpid:activities><rpid:busy/></rpid:activities><dm:note>"),
      presentity, domain, pidf_mark(serial));
  text.resize(pidf_octets - end.size(), 'x');
  text += end;
  return text;
}

std::optional<Ticket> ticket_in(std::string_view text) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  if (text.size() < 2 * digits) return std::nullopt;
  const auto slot = hexadecimal(text.substr(0, digits)), serial = hexadecimal(text.substr(digits, digits));
  if (!slot || !serial) return std::nullopt;
  return Ticket{*slot, *serial};
}

int status_in(std::string_view text) {
  int status = 0;
  if (text.starts_with("SIP/2.0 ") && text.size() > 11) std::from_chars(&text[8], &text[11], status);
  return status;
}

std::string_view header(std::string_view text, std::string_view name) {
  for (std::size_t line = text.find(crlf); line != std::string_view::npos; line = text.find(crlf, line)) {
    line += crlf.size();
    const std::string_view rest = text.substr(line);
    if (rest.starts_with(crlf)) return {};
    if (!rest.starts_with(name) || rest.substr(name.size(), 2) != ": ") continue;
    return rest.substr(name.size() + 2, rest.find(crlf) - name.size() - 2);
  }
  return {};
}

std::string_view tag_in(std::string_view value) {
  const auto at = value.find(";tag=");
  if (at == std::string_view::npos) return {};
  value.remove_prefix(at + 5);
  return value.substr(0, value.find(';'));
}

std::string_view bracketed(std::string_view value) {
  const auto begin = value.find('<'), end = value.find('>');
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  return value.substr(begin + 1, end - begin - 1);
}

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

std::string answer(std::string_view request, std::string_view status, std::string_view headers,
                   std::string_view body) {
  std::string text = "SIP/2.0 ";
  text.reserve(1200);
  text += status;
  text += crlf;
  copy_lines(text, request, "\r\nVia: ");
  copy_lines(text, request, "\r\nRecord-Route: ");
  copy_line(text, request, "From");
  copy_line(text, request, "To", tag_in(header(request, "To")).empty() ? ";tag=b" : "");
  copy_line(text, request, "Call-ID");
  copy_line(text, request, "CSeq");
  text += headers;
  fmt::format_to(std::back_inserter(text), FMT_COMPILE("Content-Length: {}\r\n\r\n"), body.size());
  text += body;
  return text;
}

std::string ok(std::string_view request) { return answer(request, "200 OK", {}, {}); }

}  // namespace beckon::bench
