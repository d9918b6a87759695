#include "server/shard/bucket.hpp"

#include <doctest/doctest.h>

using namespace beckon::server;

TEST_CASE("an address-of-record has the same bucket for ever: it stands in records and tokens") {
  CHECK(bucket_of("sip:alice@example.org") == bucket_of("sip:alice@example.org"));
  CHECK(bucket_of("sip:alice@example.org") == 265);
  CHECK(bucket_of("sip:bob@example.org") == 1016);
}

TEST_CASE("a token of this server shows its bucket, any other text shows none") {
  CHECK(bucket_prefix(0x07f) == "bk07f.");
  CHECK(bucket_in("bk07f.5d0c") == Bucket{0x07f});
  CHECK(bucket_in("bk3ff.x") == Bucket{1023});
  for (const char* other : {"", "bk", "bk07f", "bk07F.5d", "bk400.5d", "bkxyz.5d", "as7d9f8", "kb07f.5d"}) {
    CAPTURE(other);
    CHECK_FALSE(bucket_in(other));
  }
}
