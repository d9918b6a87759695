#include "protocol/documents/winfo.hpp"

#include <array>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"
#include "protocol/documents/reading.hpp"

namespace beckon::documents {

namespace {

using xml::Element;

constexpr std::array status_names = {"pending", "active", "waiting", "terminated"};
constexpr std::array watcher_event_names = {"subscribe", "approved", "deactivated", "probation",
                                            "rejected",  "timeout",  "giveup",      "noresource"};

std::optional<Watcher> read_watcher(const Element& element) {
  Watcher watcher;
  const auto status = find_name<WatcherStatus>(status_names, trim(element.attribute("status").value_or("")));
  const auto event =
      find_name<WatcherEvent>(watcher_event_names, trim(element.attribute("event").value_or("")));
  watcher.id = text_of(element, "id");
  if (!status || !event || watcher.id.empty()) return std::nullopt;
  watcher.status = *status;
  watcher.event = *event;
  watcher.uri = trim(element.text());
  watcher.display_name = text_of(element, "display-name");
  watcher.expiration_seconds = number_of(element, "expiration");
  watcher.subscribed_seconds = number_of(element, "duration-subscribed");
  return watcher;
}

WatcherList read_list(const Element& element) {
  WatcherList list{text_of(element, "resource"), text_of(element, "package"), {}, {}};
  for (const Element& child : element.children()) {
    if (!child.is(ns::winfo, "watcher")) {
      list.extensions.push_back(child.keep());
    } else if (auto watcher = read_watcher(child)) {
      list.watchers.push_back(std::move(*watcher));
    }
  }
  return list;
}

void read_child(const Element& child, WatcherInfo& info) {
  if (child.is(ns::winfo, "watcher-list")) {
    info.lists.push_back(read_list(child));
  } else if (child.is(ns::direct, "permit")) {
    info.permits.push_back(
        {text_of(child, "aor"), ds1::parse_mode(trim(child.attribute("mode").value_or("")))});
  } else {
    info.extensions.push_back(child.keep());
  }
}

}  // namespace

const char* to_string(WatcherStatus status) { return status_names[static_cast<std::size_t>(status)]; }
const char* to_string(WatcherEvent event) { return watcher_event_names[static_cast<std::size_t>(event)]; }

Result<WatcherInfo> parse_winfo(std::string_view body, const xml::Limits& limits) {
  const auto document = xml::parse(body, limits);
  if (document.has_error()) return document.error();
  const Element& root = document->root();
  if (!root.is(ns::winfo, "watcherinfo")) return Errc::wrong_root;
  const auto version = root.attribute("version");
  const auto state = root.attribute("state");
  if (!version || !state) return Errc::missing_attribute;
  const auto number = parse_number<std::uint32_t>(trim(*version));
  if (!number || (*state != "full" && *state != "partial")) return Errc::bad_value;
  WatcherInfo info;
  info.version = *number;
  info.state = *state == "full" ? WatcherInfo::State::full : WatcherInfo::State::partial;
  for (const Element& child : root.children()) read_child(child, info);
  return info;
}

WatcherView view_of(const Watcher& watcher) {
  return {watcher.id,
          watcher.uri,
          watcher.status,
          watcher.event,
          watcher.display_name,
          watcher.expiration_seconds,
          watcher.subscribed_seconds};
}

WinfoWriter::WinfoWriter(std::uint32_t version, WatcherInfo::State state, bool has_permits,
                         std::size_t expected_size) {
  writer_.reserve(expected_size);
  writer_.open("watcherinfo").declare("", ns::winfo);
  if (has_permits) writer_.declare("d", ns::direct);
  writer_.attribute("version", version);
  writer_.attribute("state", state == WatcherInfo::State::full ? "full" : "partial");
}

void WinfoWriter::begin_list(std::string_view resource, std::string_view package) {
  writer_.open("watcher-list").attribute("resource", resource).attribute("package", package);
}

void WinfoWriter::watcher(const WatcherView& watcher) {
  writer_.open("watcher").attribute("id", watcher.id);
  writer_.attribute("event", to_string(watcher.event)).attribute("status", to_string(watcher.status));
  if (!watcher.display_name.empty()) writer_.attribute("display-name", watcher.display_name);
  if (watcher.expiration_seconds) writer_.attribute("expiration", *watcher.expiration_seconds);
  if (watcher.subscribed_seconds) writer_.attribute("duration-subscribed", *watcher.subscribed_seconds);
  writer_.text(watcher.uri).close();
}

void WinfoWriter::permit(std::string_view aor, ds1::Mode mode) {
  writer_.open("d:permit").attribute("aor", aor).attribute("mode", ds1::to_string(mode)).close();
}

std::string print(const WatcherInfo& info) {
  WinfoWriter writer(info.version, info.state, !info.permits.empty());
  for (const WatcherList& list : info.lists) {
    writer.begin_list(list.resource, list.package);
    for (const Watcher& watcher : list.watchers) writer.watcher(view_of(watcher));
    for (const auto& extension : list.extensions) writer.raw(extension.text);
    writer.end_list();
  }
  for (const Permit& permit : info.permits) writer.permit(permit.aor, permit.mode);
  for (const auto& extension : info.extensions) writer.raw(extension.text);
  return writer.finish();
}

}  // namespace beckon::documents
