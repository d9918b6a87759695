#include "protocol/documents/imdn.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/cpim.hpp"
#include "protocol/documents/multipart.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

constexpr std::array imdn_kind_names = {"delivery", "display", "processing"};
constexpr std::array imdn_status_names = {"delivered", "failed",    "displayed", "processed",
                                          "stored",    "forbidden", "error"};

bool has_status(Imdn::Kind kind, Imdn::Status status) {
  switch (status) {
    case Imdn::Status::delivered:
    case Imdn::Status::failed:
      return kind == Imdn::Kind::delivery;
    case Imdn::Status::displayed:
      return kind == Imdn::Kind::display;
    case Imdn::Status::processed:
    case Imdn::Status::stored:
      return kind == Imdn::Kind::processing;
    case Imdn::Status::forbidden:
    case Imdn::Status::error:
      return true;
  }
  return false;
}

std::optional<Imdn::Kind> kind_of(const xml::Element& element) {
  constexpr std::string_view ending = "-notification";
  std::string_view name = element.name();
  if (element.ns() != ns::imdn || !name.ends_with(ending)) return std::nullopt;
  name.remove_suffix(ending.size());
  return find_name<Imdn::Kind>(imdn_kind_names, name);
}

/// The first of the elements in `<status>` that we know; the others extend it.
std::optional<Imdn::Status> status_of(const xml::Element& notification, Imdn::Kind kind) {
  const xml::Element* const status = notification.child(ns::imdn, "status");
  if (status == nullptr) return std::nullopt;
  for (const xml::Element& each : status->children()) {
    const auto found =
        each.ns() == ns::imdn ? find_name<Imdn::Status>(imdn_status_names, each.name()) : std::nullopt;
    if (found && has_status(kind, *found)) return found;
  }
  return std::nullopt;
}

/// The member that an element fills; null: an extension.
std::string* text_member(Imdn& imdn, const xml::Element& element) {
  if (element.is(ns::imdn, "message-id")) return &imdn.message_id;
  if (element.is(ns::imdn, "datetime")) return &imdn.date_time;
  if (element.is(ns::imdn, "recipient-uri")) return &imdn.recipient;
  if (element.is(ns::imdn, "original-recipient-uri")) return &imdn.original_recipient;
  if (element.is(ns::imdn, "subject")) return &imdn.subject;
  return nullptr;
}

}  // namespace

const char* to_string(Imdn::Kind kind) { return imdn_kind_names[static_cast<std::size_t>(kind)]; }
const char* to_string(Imdn::Status status) { return imdn_status_names[static_cast<std::size_t>(status)]; }

Result<Imdn> parse_imdn(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const xml::Element& root = document->root();
  if (!root.is(ns::imdn, "imdn")) return Errc::wrong_root;
  Imdn imdn;
  bool has_notification = false;
  for (const xml::Element& child : root.children()) {
    if (std::string* const member = text_member(imdn, child)) {
      *member = trim(child.text());
    } else if (const auto kind = kind_of(child); kind && !has_notification) {
      const auto status = status_of(child, *kind);
      if (!status) return Errc::bad_value;
      imdn.kind = *kind;
      imdn.status = *status;
      has_notification = true;
    } else if (child.ns() != ns::imdn) {
      imdn.extensions.push_back(child.keep());
    }
  }
  if (imdn.message_id.empty() || !has_notification) return Errc::bad_structure;
  if (imdn.message_id.size() > cpim_message_id_max) return Errc::bad_value;
  return imdn;
}

namespace {

bool is_imdn_type(std::string_view content_type) {
  return iequals(trim(cut(content_type, ';').first), imdn_type);
}

/// The parts of a multipart of notifications alone: one of messages and notifications is neither (RFC 5438
/// 9).
std::vector<Part> imdn_parts(std::string_view content_type, std::string_view body) {
  if (!is_multipart(content_type)) return {};
  auto multipart = parse_multipart(body, content_type, {.parts = imdns_max});
  const auto is_one = [](const Part& part) { return is_imdn_type(part.content_type()); };
  if (!multipart || !std::ranges::all_of(multipart->parts, is_one)) return {};
  return std::move(multipart->parts);
}

}  // namespace

bool is_imdn(std::string_view content_type, std::string_view body) {
  return is_imdn_type(content_type) || !imdn_parts(content_type, body).empty();
}

std::vector<Imdn> parse_imdns(std::string_view content_type, std::string_view body) {
  std::vector<Imdn> all;
  const auto add = [&](std::string_view text) {
    if (auto imdn = parse_imdn(text)) all.push_back(std::move(*imdn));
  };
  if (is_imdn_type(content_type)) add(body);
  for (const Part& part : imdn_parts(content_type, body))
    if (const auto text = content(part)) add(*text);
  return all;
}

std::string print(const Imdn& imdn) {
  xml::Writer writer;
  writer.open("imdn").declare("", ns::imdn);
  writer.element("message-id", imdn.message_id).element("datetime", imdn.date_time);
  const std::string& recipient = imdn.recipient.empty() ? imdn.original_recipient : imdn.recipient;
  if (!recipient.empty()) {
    writer.element("recipient-uri", recipient);
    writer.element("original-recipient-uri",
                   imdn.original_recipient.empty() ? recipient : imdn.original_recipient);
    if (!imdn.subject.empty()) writer.element("subject", imdn.subject);
  }
  writer.open(std::string(to_string(imdn.kind)) + "-notification");
  writer.open("status").open(to_string(imdn.status)).close().close().close();
  for (const auto& extension : imdn.extensions) writer.raw(extension.text);
  return writer.finish();
}

}  // namespace beckon::documents
