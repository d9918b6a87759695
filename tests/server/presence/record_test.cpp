#include "server/presence/record.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server::presence;

TEST_CASE("a publication reads back as it was stored, its time moved to the new process's clock") {
  const Now then{Time{100s}, WallTime{std::chrono::seconds(1'700'000'000)}};
  const Now later{Time{5s}, WallTime{std::chrono::seconds(1'700'000'060)}};
  event::Publication publication;
  publication.id = "bk001.a";
  publication.etag = "bk001.b";
  publication.content_type = "application/pidf+xml";
  publication.document = share("<presence/>");
  publication.instance = "urn:uuid:1";
  publication.expires = then.mono + 600s;
  const auto plain = parse_publication(publication.id, print(publication, then), later).value();
  CHECK(plain.etag == publication.etag);
  CHECK(*plain.document == *publication.document);
  CHECK(plain.instance == publication.instance);
  CHECK(plain.expires == later.mono + 540s);
  CHECK_FALSE(plain.incomplete);
  publication.data = direct_mark;
  CHECK(parse_publication(publication.id, print(publication, then), later).value().incomplete);
}

TEST_CASE("a damaged record is an error") {
  CHECK(parse_publication("a", "{", {}).has_error());
  CHECK(parse_publication("a", "{\"etag\":1}", {}).has_error());
}
