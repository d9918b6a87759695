#include "protocol/documents/winfo.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string document(const std::string& attributes, const std::string& inside = "") {
  return "<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' " + attributes + ">" + inside +
         "</watcherinfo>";
}

}  // namespace

TEST_CASE(
    "watchers, permits and what is unknown are read, and print the same (RFC 3858 4, DIRECT_SESSIONS 3.7)") {
  const auto info = parse_winfo(document(
      "version='7' state='partial'",
      "<watcher-list resource='sip:a@b' package='presence'>"
      "<watcher id='1' status='active' event='approved' display-name='Bob &lt;b&gt;' expiration='600' "
      "duration-subscribed='5'> sip:bob@b </watcher><watcher id='2' status='terminated' "
      "event='giveup'>sip:c@b</watcher>"
      "<x:y xmlns:x='urn:x'/></watcher-list>"
      "<d:permit xmlns:d='urn:beckon:params:xml:ns:direct:1' aor='sip:bob@b' mode='auto'/>"
      "<d:permit xmlns:d='urn:beckon:params:xml:ns:direct:1' aor='sip:c@b' mode='loud'/><x:z "
      "xmlns:x='urn:x'/>"));
  REQUIRE(info.has_value());
  CHECK(info->version == 7);
  CHECK(info->state == WatcherInfo::State::partial);
  REQUIRE(info->lists.size() == 1);
  CHECK(info->lists[0].watchers ==
        std::vector<Watcher>{
            {"1", "sip:bob@b", WatcherStatus::active, WatcherEvent::approved, "Bob <b>", 600, 5},
            {"2", "sip:c@b", WatcherStatus::terminated, WatcherEvent::giveup, "", {}, {}}});
  CHECK(info->lists[0].extensions.size() == 1);
  CHECK(info->permits ==
        std::vector<Permit>{{"sip:bob@b", ds1::Mode::automatic}, {"sip:c@b", ds1::Mode::off}});
  CHECK(info->extensions.size() == 1);

  const auto again = parse_winfo(print(*info));
  REQUIRE(again.has_value());
  CHECK(*again == *info);
}

TEST_CASE("every status and event has its name (RFC 3858 4.3)") {
  for (const char* status : {"pending", "active", "waiting", "terminated"}) {
    for (const char* event : {"subscribe", "approved", "deactivated", "probation", "rejected", "timeout",
                              "giveup", "noresource"}) {
      const auto info = parse_winfo(
          document("version='0' state='full'",
                   std::string("<watcher-list resource='r' package='p'><watcher id='i' status='") + status +
                       "' event='" + event + "'>u</watcher></watcher-list>"));
      REQUIRE(info.has_value());
      REQUIRE(info->lists.at(0).watchers.size() == 1);
      CHECK(to_string(info->lists[0].watchers[0].status) == std::string(status));
      CHECK(to_string(info->lists[0].watchers[0].event) == std::string(event));
    }
  }
}

TEST_CASE("a document without a usable version or state is refused; an unreadable watcher is left out") {
  CHECK(parse_winfo("<watcherinfo version='0' state='full'/>").error() == Errc::wrong_root);
  CHECK(parse_winfo(document("state='full'")).error() == Errc::missing_attribute);
  CHECK(parse_winfo(document("version='0'")).error() == Errc::missing_attribute);
  CHECK(parse_winfo(document("version='-1' state='full'")).error() == Errc::bad_value);
  CHECK(parse_winfo(document("version='4294967296' state='full'")).error() == Errc::bad_value);
  CHECK(parse_winfo(document("version='0' state='half'")).error() == Errc::bad_value);
  const auto info = parse_winfo(document(
      "version='4294967295' state='full'",
      "<watcher-list resource='r' package='p'><watcher status='active' event='approved'>no id</watcher>"
      "<watcher id='1' status='odd' event='approved'>x</watcher><watcher id='2' status='active' "
      "event='odd'>x</watcher>"
      "</watcher-list>"));
  REQUIRE(info.has_value());
  CHECK(info->lists.at(0).watchers.empty());
}
