#include "server/http/request_reader.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using namespace beckon::http;

namespace {

constexpr std::size_t header_max = 512, body_max = 1024;

/// What arrives of `stream`, given octet by octet.
std::vector<RequestReader::Arrival> read_by_octets(std::string_view stream, int& refusal) {
  RequestReader reader(header_max, body_max);
  std::vector<RequestReader::Arrival> arrivals;
  for (std::size_t i = 0; i < stream.size() && refusal == 0; ++i) {
    reader.push(stream.substr(i, 1));
    auto reading = reader.next();
    refusal = reading.refusal;
    if (reading.arrival) arrivals.push_back(std::move(*reading.arrival));
  }
  return arrivals;
}

}  // namespace

TEST_CASE("a body in chunks may come octet by octet, and so may the request behind it") {
  int refusal = 0;
  const auto arrivals = read_by_octets(
      "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      refusal);
  CHECK(refusal == 0);
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].request.body == "hello!");
  CHECK(arrivals[0].keeps_alive);
  CHECK(arrivals[1].request.target == "/b");
  CHECK_FALSE(arrivals[1].keeps_alive);
}

TEST_CASE("what follows the last chunk and is no trailer is refused, however it comes") {
  int refusal = 0;
  const auto arrivals = read_by_octets(
      "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nhello\r\r\n0\r\n\r\n", refusal);
  CHECK(arrivals.empty());
  CHECK(refusal == 400);
}
