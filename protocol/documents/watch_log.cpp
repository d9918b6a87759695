#include "protocol/documents/watch_log.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"
#include "protocol/xml/writer.hpp"

namespace beckon::documents {

Result<WatchLog> parse_watch_log(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const xml::Element& root = document->root();
  if (!root.is(ns::watch_log, "watch-log")) return Errc::wrong_root;
  WatchLog log{.entity = text_of(root, "entity")};
  for (const xml::Element& child : root.children()) {
    WatchLog::Line line{.watcher = text_of(child, "watcher"),
                        .view = text_of(child, "view"),
                        .shown = std::string(trim(child.text())),
                        .from = text_of(child, "from"),
                        .until = text_of(child, "until")};
    if (child.is(ns::watch_log, "shown") && !line.watcher.empty()) log.lines.push_back(std::move(line));
  }
  return log;
}

std::string print(const WatchLog& log) {
  xml::Writer writer;
  writer.open("watch-log").declare("", ns::watch_log).attribute("entity", log.entity);
  for (const WatchLog::Line& line : log.lines) {
    writer.open("shown").attribute("watcher", line.watcher).attribute("view", line.view);
    writer.attribute("from", line.from);
    if (!line.until.empty()) writer.attribute("until", line.until);
    writer.text(line.shown).close();
  }
  return writer.finish();
}

}  // namespace beckon::documents
