#include "server/shard/route.hpp"

#include <utility>

#include "protocol/sip/builder.hpp"
#include "protocol/transaction/branch.hpp"

namespace beckon::server {

namespace {

/// In the user part of each Record-Route of ours (`proxy::seal`), and of no other URI we write.
constexpr char route_mark = '~';

std::optional<Bucket> bucket_of_response(const sip::ViaView& via) {
  return bucket_in(transaction::branch_tail(via.branch));
}

/// One that cannot be opened is nobody's, wherever that is found out.
std::string resource_at(const sip::UriView& uri, const Gruus& gruus) {
  if (may_be_temporary(uri))
    if (auto callee = gruus.read(uri)) return std::move(callee->aor);
  return sip::canonical_aor(uri);
}

std::optional<Place> place_by_aor(const sip::UriView& uri, bool is_resource, const Gruus& gruus) {
  if (uri.scheme.empty()) return std::nullopt;
  std::string aor = resource_at(uri, gruus);
  const Bucket bucket = bucket_of(aor);
  if (!is_resource || uri.host.empty()) aor.clear();
  return Place{bucket, std::move(aor)};
}

/// The ACK of a refused INVITE has a To tag which the INVITE and its CANCEL do not have: they all follow a
/// token.
bool follows_token(const sip::Message& request, const sip::Reading& reading) {
  const auto method = request.method();
  const bool is_call =
      method == sip::Method::invite || method == sip::Method::cancel || method == sip::Method::ack;
  return is_call || !reading.to.tag.empty();
}

}  // namespace

std::string package_of(const sip::Message& request) {
  const auto event = sip::parse_event(request.header(sip::HeaderId::event));
  return event ? event->package : std::string{};
}

std::optional<sip::Message> undo_strict_routing(const sip::Message& request) {
  if (!request.is_request() || request.request_uri_text().find(route_mark) == std::string_view::npos)
    return std::nullopt;
  const auto uri = request.request_uri();
  if (!uri || !bucket_in(uri->user)) return std::nullopt;
  auto routes = request.values(sip::HeaderId::route);
  const auto last = sip::parse_name_addr(routes.empty() ? std::string_view{} : routes.back());
  if (!last) return std::nullopt;
  std::string ours = '<' + std::string(request.request_uri_text());
  ours += uri->parameter("lr") ? ">" : ";lr>";
  routes.pop_back();
  for (const std::string_view route : routes) ours.append(", ").append(route);
  std::string text =
      sip::Splice(request).request_uri(sip::print(last->uri)).replace(sip::HeaderId::route, ours).finish();
  auto loose = sip::Message::parse(share(std::move(text)), {.message = request.text().size() + 1024});
  if (!loose) return std::nullopt;
  return std::move(*loose);
}

std::optional<Place> place_of(const sip::Message& message, const sip::Reading& reading,
                              std::optional<Bucket> token, const Gruus& gruus) {
  if (message.is_response()) {
    const auto minted = bucket_of_response(reading.via);
    return minted ? std::optional(Place{*minted}) : std::nullopt;
  }
  const auto method = message.method();
  // Only of a dialog whose end the server is the tag is ours: an ACK's may be anybody's.
  if (method == sip::Method::subscribe)
    if (const auto tagged = bucket_in(reading.to.tag)) return Place{*tagged};
  const bool to_user = method == sip::Method::register_ || method == sip::Method::publish;
  const auto minted = to_user ? std::nullopt : bucket_in(reading.uri.user);
  const auto routed = follows_token(message, reading) ? token : std::nullopt;
  if (!routed && minted) return Place{*minted};
  const bool is_resource = to_user || (reading.to.tag.empty() && !minted);
  if (routed && !is_resource) return Place{*routed};
  auto place = place_by_aor(to_user ? reading.to.uri : reading.uri, is_resource, gruus);
  if (!routed || (place && place->bucket == *routed)) return place;
  return Place{*routed};
}

}  // namespace beckon::server
