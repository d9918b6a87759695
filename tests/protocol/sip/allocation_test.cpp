#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "protocol/sip/builder.hpp"
#include "protocol/sip/framer.hpp"
#include "protocol/sip/message.hpp"

// A program of its own, whose operator new counts.

namespace {

std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

using namespace beckon;
using namespace beckon::sip;

namespace {

const std::string request =
    "MESSAGE sip:bob@198.51.100.4:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b385\r\n"
    "v: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK776sgdkse;rport=49152;received=192.0.2.17\r\n"
    "Max-Forwards: 69\r\n"
    "Route: <sip:core2.example.org;transport=tls;lr>, <sip:pop7.example.org;transport=tls;lr>\r\n"
    "f: \"Alice Liddell\" <sip:alice@example.org>;tag=49583\r\n"
    "t: <sip:bob@example.org>\r\n"
    "i: asd88asd77a@192.0.2.17\r\n"
    "CSeq: 1 MESSAGE\r\n"
    "P-Asserted-Identity: \"Alice Liddell\" <sip:alice@example.org>\r\n"
    "c: text/plain\r\n"
    "l: 24\r\n"
    "\r\n"
    "Curiouser and curiouser!";

const std::string response =
    "SIP/2.0 200 OK\r\n"
    "Via: SIP/2.0/TLS edge1.example.org:5061;branch=z9hG4bK.s1.77aa0d20c7e1b385;received=203.0.113.9\r\n"
    "Via: SIP/2.0/TLS 192.0.2.17:49152;branch=z9hG4bK776sgdkse;rport=49152;received=192.0.2.17\r\n"
    "From: \"Alice Liddell\" <sip:alice@example.org>;tag=49583\r\n"
    "To: <sip:bob@example.org>;tag=ab8asdasd9\r\n"
    "Call-ID: asd88asd77a@192.0.2.17\r\n"
    "CSeq: 1 MESSAGE\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

/// As a proxy does it: what it must know, then its own Via, one hop less, the Route it has come to taken off.
std::size_t forward(SharedText octets) {
  const auto message = Message::parse(std::move(octets));
  if (!message) return 0;
  std::size_t read = message->from_tag().size() + message->to_tag().size() + message->call_id().size() +
                     message->first(HeaderId::via).size() + message->method_text().size();
  for (const auto route : message->each(HeaderId::route)) read += route.size();
  Splice splice(*message);
  if (message->is_response()) {
    splice.drop_first(HeaderId::via);
  } else {
    splice.request_uri("sip:bob@198.51.100.4:5060;transport=tls")
        .replace(HeaderId::max_forwards, message->number(HeaderId::max_forwards).value_or(70) - 1)
        .drop_first(HeaderId::route)
        .drop(HeaderId::proxy_authorization)
        .prepend(HeaderId::via, "SIP/2.0/TLS core2.example.org;branch=z9hG4bK.s1.0123456789abcdef")
        .prepend(HeaderId::record_route, "<sip:core2.example.org;transport=tls;lr>");
  }
  return read + splice.finish_shared()->size();
}

}  // namespace

TEST_CASE("forwarding a message allocates nothing, once the thread has its blocks") {
  for (const auto& text : {request, response}) {
    CAPTURE(text);
    REQUIRE(forward(share(text)) > text.size());
    const auto before = allocations;
    for (int i = 0; i < 100; ++i) forward(share(text));
    CHECK(allocations == before);
  }
}

TEST_CASE("forwarding messages of a stream, cut anywhere, allocates nothing") {
  Framer framer;
  const auto run = [&framer](std::size_t cut) {
    std::size_t messages = 0;
    for (const auto piece :
         {std::string_view(request).substr(0, cut), std::string_view(request).substr(cut)}) {
      framer.push(piece);
      while (auto item = framer.next().value()) {
        if (item->message) messages += forward(item->message->shared_text()) > 0;
      }
    }
    return messages;
  };
  REQUIRE(run(100) == 1);
  const auto before = allocations;
  for (std::size_t cut = 0; cut < request.size(); ++cut) run(cut);
  CHECK(allocations == before);
}

TEST_CASE("the counter notices an allocation") {
  const auto before = allocations;
  const std::string text(request);
  CHECK(allocations == before + 1);
  CHECK(text == request);
}
