#include "server/shard/replay.hpp"

#include <fmt/compile.h>

#include "protocol/base/text.hpp"
#include "server/shard/services.hpp"
#include "server/store/record.hpp"

namespace beckon::server {

std::string request_identity(const sip::Message& request) {
  const auto via = request.top_via();
  return fmt::format(FMT_COMPILE("{}\n{}\n{}\n{}"), request.call_id(), request.header(sip::HeaderId::cseq),
                     request.from_tag(), via ? via->branch() : std::string_view());
}

namespace {

/// The last line of what `begin_reply` writes, and the end of a response without body.
constexpr std::string_view last_begun = "\r\nServer: ", no_body = "Content-Length: 0\r\n\r\n";
constexpr std::size_t status_at = std::string_view("SIP/2.0 ").size();

}  // namespace

std::string pack_answer(std::string_view to_tag, std::string_view response) {
  const bool has_status = response.size() > status_at + 3;
  const auto status = has_status ? parse_number<unsigned>(response.substr(status_at, 3)).value_or(0) : 0;
  const auto begun = response.find(last_begun);
  const auto rest = begun == response.npos ? begun : response.find("\r\n", begun + last_begun.size());
  if (status == 0 || rest == response.npos || !response.ends_with(no_body))
    return store::RecordWriter().number(0).text(response).finish();
  const auto lines = response.substr(rest + 2, response.size() - no_body.size() - rest - 2);
  return store::RecordWriter().number(status).text(lines).text(to_tag).finish();
}

std::string unpack_answer(const sip::Message& request, std::string_view packed) {
  store::RecordReader reader(packed);
  const auto status = reader.number_as<std::uint16_t>();
  const std::string_view text = reader.text(), to_tag = reader.text();
  if (!reader.ok()) return {};
  if (status == 0) return std::string(text);
  return begin_reply(request, status, to_tag).add_lines(text).finish();
}

}  // namespace beckon::server
