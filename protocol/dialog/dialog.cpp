#include "protocol/dialog/dialog.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/view.hpp"

namespace beckon::dialog {
namespace {

using sip::HeaderId;
using sip::Method;

/// Requests whose Contact replaces the remote target (RFC 3261 12.2, RFC 3311, RFC 6665 4.4.1, RFC 3515).
bool refreshes_target(Method method) {
  return method == Method::invite || method == Method::update || method == Method::subscribe ||
         method == Method::notify || method == Method::refer;
}

/// As requests name it, scheme and host in lower case.
std::string print_uri(sip::UriView uri) {
  const std::string scheme = to_lower(uri.scheme), host = to_lower(uri.host);
  uri.scheme = scheme;
  uri.host = host;
  std::string text;
  sip::append(text, uri);
  return text;
}

Result<std::string> read_contact(const sip::Message& message) {
  std::string contact;
  for (const std::string_view value : message.each(HeaderId::contact)) {
    const auto address = sip::view_name_addr(value);
    const bool is_sip =
        address && (iequals(address->uri.scheme, "sip") || iequals(address->uri.scheme, "sips"));
    if (!is_sip || !contact.empty()) return Errc::bad_contact;
    contact = print_uri(address->uri);
  }
  if (contact.empty()) return Errc::bad_contact;
  return contact;
}

Result<std::vector<std::string>> read_routes(const sip::Message& message) {
  std::vector<std::string> routes;
  for (const auto value : message.values(HeaderId::record_route)) {
    if (!sip::parse_name_addr(value)) return Errc::bad_header;
    routes.emplace_back(value);
  }
  return routes;
}

/// What both ends read alike; `our_side` and `other_side` are From and To, whichever way round.
Result<Dialog> read_common(const sip::Message& message, HeaderId our_side, HeaderId other_side, bool secure) {
  const auto local = sip::view_name_addr(message.header(our_side));
  const auto remote = sip::view_name_addr(message.header(other_side));
  if (!local || !remote) return Errc::bad_header;
  auto contact = read_contact(message);
  if (!contact) return contact.error();
  auto routes = read_routes(message);
  if (!routes) return routes.error();
  Dialog dialog;
  dialog.id.call_id = message.call_id();
  dialog.id.remote_tag = remote->tag;
  dialog.local_uri = print_uri(local->uri);
  dialog.remote_uri = print_uri(remote->uri);
  dialog.remote_target = std::move(*contact);
  dialog.route_set = std::move(*routes);
  dialog.secure = secure;
  return dialog;
}

/// The URI of a stored route value; empty if it is none.
sip::Uri route_uri(const std::string& route) {
  auto address = sip::parse_name_addr(route);
  return address ? std::move(address->uri) : sip::Uri{};
}

std::string with_tag(const std::string& uri, const std::string& tag) {
  return tag.empty() ? "<" + uri + ">" : "<" + uri + ">;tag=" + tag;
}

sip::Builder start_head(const Dialog& dialog, std::string_view method) {
  std::string target = dialog.remote_target;
  std::vector<std::string> routes = dialog.route_set;
  if (!routes.empty()) {
    auto first = route_uri(routes.front());
    if (!first.parameter("lr")) {
      // COMPAT: a strict router (RFC 2543) wants itself in the Request-URI and the target last (RFC
      // 3261 12.2.1.1).
      first.headers.clear();
      first.parameters = sip::without_parameter(first.parameters, "method");
      routes.erase(routes.begin());
      routes.push_back("<" + target + ">");
      target = sip::print(first);
    }
  }
  auto builder = sip::Builder::request(method, target);
  for (const auto& route : routes) builder.add(HeaderId::route, route);
  builder.add(HeaderId::max_forwards, std::uint32_t{70});
  builder.add(HeaderId::from, with_tag(dialog.local_uri, dialog.id.local_tag));
  builder.add(HeaderId::to, with_tag(dialog.remote_uri, dialog.id.remote_tag));
  builder.add(HeaderId::call_id, dialog.id.call_id);
  return builder;
}

sip::Builder start_request(const Dialog& dialog, std::string_view method, std::uint32_t cseq) {
  auto builder = start_head(dialog, method);
  builder.add(HeaderId::cseq, std::to_string(cseq) + " " + std::string(method));
  return builder;
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_contact:
      return "no usable Contact";
    case Errc::missing_tag:
      return "no tag";
    case Errc::bad_header:
      return "unreadable From, To, CSeq or Record-Route";
    case Errc::out_of_order:
      return "CSeq out of order";
  }
  return "unknown error";
}

Result<void> Dialog::on_request(const sip::Message& request) {
  const auto method = request.method();
  if (method == Method::ack || method == Method::cancel) return {};
  const auto cseq = request.cseq();
  if (!cseq) return Errc::bad_header;
  if (remote_cseq && cseq->number <= *remote_cseq) return Errc::out_of_order;
  if (refreshes_target(method) && request.has(HeaderId::contact)) {
    auto contact = read_contact(request);
    if (!contact) return contact.error();
    remote_target = std::move(*contact);
  }
  remote_cseq = cseq->number;
  return {};
}

void Dialog::on_response(const sip::Message& response) {
  if (response.status() / 100 != 2 || !refreshes_target(response.method())) return;
  if (auto contact = read_contact(response)) remote_target = std::move(*contact);
}

sip::Builder Dialog::make_request(std::string_view method) {
  return start_request(*this, method, ++local_cseq);
}

sip::Builder Dialog::make_head(std::string_view method) const { return start_head(*this, method); }

sip::Builder Dialog::make_ack(std::uint32_t invite_cseq) const {
  return start_request(*this, "ACK", invite_cseq);
}

Result<Dialog> make_uas_dialog(const sip::Message& request, std::string_view local_tag, bool secure) {
  auto dialog = read_common(request, HeaderId::to, HeaderId::from, secure);
  if (!dialog) return dialog.error();
  const auto cseq = request.cseq();
  if (!cseq) return Errc::bad_header;
  dialog->id.local_tag = local_tag;
  dialog->remote_cseq = cseq->number;
  return dialog;
}

Result<Dialog> make_uac_dialog(const sip::Message& response, bool secure) {
  auto dialog = read_common(response, HeaderId::from, HeaderId::to, secure);
  if (!dialog) return dialog.error();
  const auto cseq = response.cseq();
  if (!cseq) return Errc::bad_header;
  if (dialog->id.remote_tag.empty()) return Errc::missing_tag;
  dialog->id.local_tag = response.from_tag();
  dialog->local_cseq = cseq->number;
  std::reverse(dialog->route_set.begin(), dialog->route_set.end());
  return dialog;
}

Result<Dialog> make_notified_dialog(const sip::Message& notify, std::uint32_t subscribe_cseq, bool secure) {
  if (notify.from_tag().empty() || notify.to_tag().empty()) return Errc::missing_tag;
  auto dialog = make_uas_dialog(notify, notify.to_tag(), secure);
  if (!dialog) return dialog.error();
  dialog->local_cseq = subscribe_cseq;
  dialog->remote_cseq.reset();
  return dialog;
}

Id id_of_request(const sip::Message& request) {
  return {std::string(request.call_id()), std::string(request.to_tag()), std::string(request.from_tag())};
}

}  // namespace beckon::dialog
