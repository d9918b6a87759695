#include "server/presence/repair.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/schema_types.hpp"
#include "protocol/xml/edit.hpp"

namespace beckon::server::presence {

namespace {

/// Of a time that people can read and the schema refuses ("...t...z") the same instant is written.
void repair_time(std::string& time) {
  if (time.empty() || documents::is_xs_date_time(time)) return;
  const auto read = parse_time(time);
  time = read ? print_time(*read) : std::string();
}

void repair_notes(std::vector<documents::Note>& notes) {
  for (documents::Note& note : notes)
    if (!note.lang.empty() && !documents::is_xs_language(note.lang)) note.lang.clear();
}

bool may_have_id(std::string_view text) {
  for (auto at = text.find("id"); at != std::string_view::npos; at = text.find("id", at + 1)) {
    const char before = at == 0 ? '<' : text[at - 1];
    if (is_blank(before) || before == '\n' || before == '\r') return true;
  }
  return false;
}

/// `owner`: the id of what has the elements.
void repair_ids(std::vector<xml::Fragment>& elements, const std::string& owner, Names& names) {
  for (xml::Fragment& element : elements) {
    if (element.ns != documents::ns::rpid || !may_have_id(element.text)) continue;
    const auto document = xml::parse(element);
    const auto id = document ? document->root().attribute("id") : std::nullopt;
    if (!id) continue;
    const std::string claimed = names.claim(std::string(trim(*id)), owner);
    if (claimed == *id) continue;
    xml::Editor editor(document->root());
    editor.set_attribute(document->root(), "id", claimed);
    element = editor.finish();
  }
}

}  // namespace

void repair(documents::Presence& presence, Names& names) {
  for (documents::Tuple& tuple : presence.tuples) {
    repair_time(tuple.timestamp);
    repair_notes(tuple.notes);
    repair_ids(tuple.status_extensions, tuple.id, names);
    repair_ids(tuple.extensions, tuple.id, names);
  }
  for (auto* components : {&presence.persons, &presence.devices})
    for (documents::Component& component : *components) {
      repair_time(component.timestamp);
      repair_notes(component.notes);
      repair_ids(component.extensions, component.id, names);
    }
  repair_notes(presence.notes);
}

}  // namespace beckon::server::presence
