#include "protocol/documents/dialoginfo.hpp"

#include <algorithm>
#include <array>

#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array dialog_states = {"trying", "proceeding", "early", "confirmed", "terminated"};
constexpr std::array dialog_events = {"cancelled",  "rejected", "replaced", "local-bye",
                                      "remote-bye", "error",    "timeout"};
constexpr std::array dialog_directions = {"initiator", "recipient"};

/// The schema lets elements of other namespaces stand, and none without namespace.
void keep_foreign(const Element& element, std::vector<xml::Fragment>& extensions) {
  if (!element.ns().empty() && element.ns() != ns::dialog_info) extensions.push_back(element.keep());
}

DialogIdentity read_dialog_identity(const Element& element) {
  auto display = element.attribute("display");
  if (!display) display = element.attribute("display-name");
  return {std::string(trim(element.text())), std::string(display.value_or(""))};
}

DialogTarget read_target(const Element& element) {
  // COMPAT: the examples of RFC 5359 have the URI as text.
  DialogTarget target{.uri = std::string(trim(element.attribute("uri").value_or(element.text())))};
  for (const Element& child : element.children())
    if (child.is(ns::dialog_info, "param"))
      target.parameters.emplace_back(text_of(child, "pname"), text_of(child, "pval"));
  return target;
}

DialogParticipant read_participant(const Element& element) {
  DialogParticipant participant;
  for (const Element& child : element.children()) {
    if (child.is(ns::dialog_info, "identity") && !participant.identity)
      participant.identity = read_dialog_identity(child);
    else if (child.is(ns::dialog_info, "target") && !participant.target)
      participant.target = read_target(child);
    else if (child.is(ns::dialog_info, "session-description"))
      participant.session = {text_of(child, "type"), std::string(child.text())};
    else if (child.is(ns::dialog_info, "cseq"))
      participant.cseq = parse_number<std::uint64_t>(trim(child.text()));
    else
      keep_foreign(child, participant.extensions);
  }
  return participant;
}

/// False: a state we do not know.
bool read_state(const Element& element, Dialog& dialog) {
  const auto state = find_name<DialogState>(dialog_states, trim(element.text()));
  if (!state) return false;
  dialog.state = *state;
  auto event = element.attribute("event");
  if (!event) event = element.attribute("reason");  // COMPAT: RFC 4235 6.2
  if (event) dialog.event = find_name<DialogEvent>(dialog_events, trim(*event));
  const auto code = number_of(element, "code");
  if (code && *code >= 100 && *code <= 699) dialog.code = static_cast<std::uint16_t>(*code);
  return true;
}

std::vector<std::string> read_route_set(const Element& element) {
  std::vector<std::string> hops;
  for (const Element& child : element.children())
    if (child.is(ns::dialog_info, "hop")) hops.emplace_back(trim(child.text()));
  return hops;
}

std::optional<Dialog> read_dialog(const Element& element) {
  Dialog dialog;
  dialog.id = text_of(element, "id");
  if (dialog.id.empty()) return std::nullopt;
  dialog.call_id = text_of(element, "call-id");
  dialog.local_tag = text_of(element, "local-tag");
  dialog.remote_tag = text_of(element, "remote-tag");
  const std::string direction = text_of(element, "direction");
  dialog.direction = find_name<DialogDirection>(dialog_directions, trim(direction));
  if (direction == "receiver") dialog.direction = DialogDirection::recipient;  // COMPAT: RFC 4235 6.2
  bool has_state = false;
  for (const Element& child : element.children()) {
    if (child.is(ns::dialog_info, "state"))
      has_state = read_state(child, dialog);
    else if (child.is(ns::dialog_info, "duration"))
      dialog.duration_seconds = parse_number<std::uint64_t>(trim(child.text()));
    else if (child.is(ns::dialog_info, "replaces"))
      dialog.replaces = {text_of(child, "call-id"), text_of(child, "local-tag"),
                         text_of(child, "remote-tag")};
    else if (child.is(ns::dialog_info, "referred-by"))
      dialog.referred_by = read_dialog_identity(child);
    else if (child.is(ns::dialog_info, "route-set"))
      dialog.route_set = read_route_set(child);
    else if (child.is(ns::dialog_info, "local"))
      dialog.local = read_participant(child);
    else if (child.is(ns::dialog_info, "remote"))
      dialog.remote = read_participant(child);
    else
      keep_foreign(child, dialog.extensions);
  }
  return has_state ? std::optional(std::move(dialog)) : std::nullopt;
}

void write_identity(xml::Writer& writer, std::string_view name, const DialogIdentity& identity) {
  writer.open(name);
  if (!identity.display.empty()) writer.attribute("display-name", identity.display);
  writer.text(identity.uri).close();
}

void write(xml::Writer& writer, const DialogTarget& target) {
  writer.open("target").attribute("uri", target.uri);
  for (const auto& [name, value] : target.parameters)
    writer.open("param").attribute("pname", name).attribute("pval", value).close();
  writer.close();
}

void write(xml::Writer& writer, std::string_view name, const DialogParticipant& participant) {
  writer.open(name);
  if (participant.identity) write_identity(writer, "identity", *participant.identity);
  if (participant.target) write(writer, *participant.target);
  if (participant.session)
    writer.open("session-description")
        .attribute("type", participant.session->type)
        .text(participant.session->text)
        .close();
  if (participant.cseq) writer.element("cseq", std::to_string(*participant.cseq));
  for (const auto& extension : participant.extensions) writer.raw(extension.text);
  writer.close();
}

void write_state(xml::Writer& writer, const Dialog& dialog) {
  writer.open("state");
  if (dialog.event) writer.attribute("event", to_string(*dialog.event));
  if (dialog.code) writer.attribute("code", std::uint64_t{*dialog.code});
  writer.text(to_string(dialog.state)).close();
}

void write(xml::Writer& writer, const Dialog& dialog) {
  writer.open("dialog").attribute("id", dialog.id);
  if (!dialog.call_id.empty()) writer.attribute("call-id", dialog.call_id);
  if (!dialog.local_tag.empty()) writer.attribute("local-tag", dialog.local_tag);
  if (!dialog.remote_tag.empty()) writer.attribute("remote-tag", dialog.remote_tag);
  if (dialog.direction) writer.attribute("direction", to_string(*dialog.direction));
  write_state(writer, dialog);
  if (dialog.duration_seconds) writer.element("duration", std::to_string(*dialog.duration_seconds));
  if (dialog.replaces)
    writer.open("replaces")
        .attribute("call-id", dialog.replaces->call_id)
        .attribute("local-tag", dialog.replaces->local_tag)
        .attribute("remote-tag", dialog.replaces->remote_tag)
        .close();
  if (dialog.referred_by) write_identity(writer, "referred-by", *dialog.referred_by);
  if (!dialog.route_set.empty()) {
    writer.open("route-set");
    for (const std::string& hop : dialog.route_set) writer.element("hop", hop);
    writer.close();
  }
  if (dialog.local) write(writer, "local", *dialog.local);
  if (dialog.remote) write(writer, "remote", *dialog.remote);
  for (const auto& extension : dialog.extensions) writer.raw(extension.text);
  writer.close();
}

}  // namespace

const char* to_string(DialogState state) { return dialog_states[static_cast<std::size_t>(state)]; }
const char* to_string(DialogEvent event) { return dialog_events[static_cast<std::size_t>(event)]; }
const char* to_string(DialogDirection direction) {
  return dialog_directions[static_cast<std::size_t>(direction)];
}

Result<DialogInfo> parse_dialoginfo(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!root.is(ns::dialog_info, "dialog-info")) return Errc::wrong_root;
  DialogInfo info;
  if (const auto version = root.attribute("version")) {
    const auto number = parse_number<std::uint32_t>(trim(*version));
    if (!number) return Errc::bad_value;
    info.version = *number;
  }
  const auto state = root.attribute("state").value_or("full");
  if (state != "full" && state != "partial") return Errc::bad_value;
  info.state = state == "full" ? DialogInfo::State::full : DialogInfo::State::partial;
  info.entity = trim(root.attribute("entity").value_or(""));
  for (const Element& child : root.children()) {
    if (!child.is(ns::dialog_info, "dialog"))
      keep_foreign(child, info.extensions);
    else if (auto dialog = read_dialog(child))
      info.dialogs.push_back(std::move(*dialog));
  }
  return info;
}

std::string print(const DialogInfo& info) {
  xml::Writer writer;
  writer.open("dialog-info").declare("", ns::dialog_info).attribute("version", info.version);
  writer.attribute("state", info.state == DialogInfo::State::full ? "full" : "partial");
  writer.attribute("entity", info.entity);
  for (const Dialog& dialog : info.dialogs) write(writer, dialog);
  for (const auto& extension : info.extensions) writer.raw(extension.text);
  return writer.finish();
}

void keep_unsaid(Dialog& dialog, const Dialog& before) {
  const auto keep = [](auto& side, const auto& known) {
    if (!known) return;
    if (!side) side.emplace();
    if (!side->identity) side->identity = known->identity;
    if (!side->target) side->target = known->target;
    if (!side->session) side->session = known->session;
  };
  keep(dialog.local, before.local);
  keep(dialog.remote, before.remote);
}

bool merge(DialogInfo& known, const DialogInfo& news) {
  if (news.state == DialogInfo::State::full) {
    known = news;
    return true;
  }
  if (news.version <= known.version) return true;
  if (news.version != known.version + 1) return false;
  known.version = news.version;
  std::erase_if(known.dialogs, [](const Dialog& each) { return each.state == DialogState::terminated; });
  for (Dialog dialog : news.dialogs) {
    const auto before = std::ranges::find(known.dialogs, dialog.id, &Dialog::id);
    if (before == known.dialogs.end()) {
      known.dialogs.push_back(std::move(dialog));
    } else {
      keep_unsaid(dialog, *before);
      *before = std::move(dialog);
    }
  }
  if (!news.extensions.empty()) known.extensions = news.extensions;
  return true;
}

xml::Fragment make_registration(std::string_view aor, bool is_registered) {
  xml::Writer writer(xml::Writer::Start::fragment);
  writer.open("registration").declare("", ns::reginfo).attribute("aor", aor).attribute("id", "r");
  writer.attribute("state", is_registered ? "active" : "init").close();
  return {std::string(ns::reginfo), "registration", writer.finish()};
}

std::optional<bool> is_registered(const DialogInfo& info) {
  for (const xml::Fragment& extension : info.extensions) {
    if (!extension.is(ns::reginfo, "registration")) continue;
    const auto document = xml::parse(extension);
    const auto state = document ? document->root().attribute("state") : std::nullopt;
    if (state) return *state == "active";
  }
  return std::nullopt;
}

}  // namespace beckon::documents
