#include "protocol/sip/scan.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/base/shared_text.hpp"

using namespace beckon;
using namespace beckon::sip;

TEST_CASE("find_any finds the first of its octets, wherever in a text of whatever size it stands") {
  for (std::size_t size = 0; size < 70; ++size) {
    for (std::size_t from = 0; from <= size; ++from) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = ';';
        if (scan::find_any(text, from, ',', ';') != (at >= from ? at : size)) {
          CAPTURE(size);
          CAPTURE(from);
          CAPTURE(at);
          FAIL_CHECK("missed");
        }
      }
      CHECK(scan::find_any(std::string(size, 'x'), from, ',', ';') == size);
    }
  }
}

TEST_CASE("line feeds are given out in order, and a CR alone is seen") {
  const auto feeds_of = [](const std::string& octets, bool& lone) {
    const SharedText text = share(octets);
    scan::LineFeeds feeds(text->data(), text->data() + text->size());
    std::vector<std::size_t> found;
    while (const char* feed = feeds.next()) found.push_back(static_cast<std::size_t>(feed - text->data()));
    lone = feeds.saw_lone_return();
    return found;
  };
  bool lone = false;
  CHECK(feeds_of("", lone).empty());
  for (std::size_t size = 1; size < 200; ++size) {
    CAPTURE(size);
    std::string text(size, 'x');
    text[size / 2] = '\n';
    text[size - 1] = '\n';
    const auto found = feeds_of(text, lone);
    CHECK(found.front() == size / 2);
    CHECK(found.back() == size - 1);
    CHECK_FALSE(lone);
    for (std::size_t at = 0; at + 1 < size; ++at) {
      std::string with_return(size, 'x');
      with_return[at] = '\r';
      with_return[size - 1] = '\n';
      feeds_of(with_return, lone);
      if (lone != (at + 2 != size)) FAIL_CHECK("CR at " << at);
    }
  }
}
