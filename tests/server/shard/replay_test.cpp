#include "server/shard/replay.hpp"

#include <doctest/doctest.h>

#include "server/shard/services.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

const sip::Message request = *sip::Message::parse(
    share("REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK1\r\n"
          "From: \"Server: A\" <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"
          "Call-ID: call-1\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"));

}  // namespace

TEST_CASE("an answer is kept without what its request repeats, and is the same again") {
  const std::string response = begin_reply(request, 200, "bk001.tag")
                                   .add(sip::HeaderId::contact, "<sip:alice@192.0.2.9:5070>;expires=600")
                                   .add("Flow-Timer", "110")
                                   .finish();
  const std::string packed = pack_answer("bk001.tag", response);
  CHECK(packed.size() < 100);
  CHECK(unpack_answer(request, packed) == response);
}

TEST_CASE("an answer with a body, and one that is not as we begin them, are kept whole") {
  for (const std::string& response : {begin_reply(request, 200, "tag").finish("text/plain", "hello"),
                                      std::string("SIP/2.0 200 OK\r\n\r\n"), std::string("rubbish")})
    CHECK(unpack_answer(request, pack_answer("tag", response)) == response);
}

TEST_CASE("a damaged kept answer is not given") {
  CHECK(unpack_answer(request, "").empty());
  CHECK(unpack_answer(request, "SIP/2.0 200 OK\r\n").empty());
}
