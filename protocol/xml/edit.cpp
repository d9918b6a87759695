#include "protocol/xml/edit.hpp"

#include <algorithm>

#include "protocol/xml/writer.hpp"

namespace beckon::xml {

namespace {

/// Length of "<name" at the front of an element's source.
std::size_t tag_name_end(std::string_view source) {
  return std::min(source.find_first_of(" \t\r\n/>"), source.size());
}

}  // namespace

/// Changes stay in order of their place; of several at one place the earlier comes first.
void Editor::add(Change change) {
  const auto at =
      std::upper_bound(changes_.begin(), changes_.end(), change.begin,
                       [](std::size_t begin, const Change& other) { return begin < other.begin; });
  changes_.insert(at, std::move(change));
}

std::size_t Editor::offset_of(std::string_view piece) const {
  return static_cast<std::size_t>(piece.data() - root_->source().data());
}

void Editor::set_attribute(const Element& element, std::string_view name, std::string_view value) {
  for (const Attribute& attribute : element.attributes()) {
    if (!attribute.is({}, name)) continue;
    const std::size_t begin = offset_of(attribute.source());
    add({begin, begin + attribute.source().size(), escape(value)});
    return;
  }
  const std::size_t at = offset_of(element.source()) + tag_name_end(element.source());
  add({at, at, " " + std::string(name) + "=\"" + escape(value) + "\""});
}

void Editor::remove(const Element& element) {
  const std::size_t begin = offset_of(element.source());
  add({begin, begin + element.source().size(), {}});
}

void Editor::append(const Element& parent, std::string_view fragment) {
  const std::string_view source = parent.source();
  const std::size_t begin = offset_of(source);
  if (source.ends_with("/>")) {
    std::string text = ">";
    text += fragment;
    text += "</";
    text += source.substr(1, tag_name_end(source) - 1);
    text += ">";
    add({begin + source.size() - 2, begin + source.size(), std::move(text)});
    return;
  }
  const std::size_t at = begin + source.rfind("</");
  add({at, at, std::string(fragment)});
}

void Editor::insert_before(const Element& sibling, std::string_view fragment) {
  const std::size_t begin = offset_of(sibling.source());
  add({begin, begin, std::string(fragment)});
}

Fragment Editor::finish() const {
  Fragment out{std::string(root_->ns()), std::string(root_->name()), {}};
  const std::string_view source = root_->source();
  std::size_t at = tag_name_end(source);
  out.text = source.substr(0, at);
  out.text += root_->borrowed_declarations();
  for (const Change& change : changes_) {
    out.text += source.substr(at, change.begin - at);
    out.text += change.text;
    at = change.end;
  }
  out.text += source.substr(at);
  return out;
}

std::size_t root_offset(std::string_view text) {
  std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  for (;;) {
    at = text.find('<', at);
    const auto rest = text.substr(std::min(at, text.size()));
    const std::string_view end = rest.starts_with("<?") ? "?>" : rest.starts_with("<!--") ? "-->" : "";
    if (end.empty()) return at;
    at = text.find(end, at + 2) + end.size();
  }
}

}  // namespace beckon::xml
