#include "client/account/account.hpp"

#include <doctest/doctest.h>

using namespace beckon::client;

TEST_CASE("an account is a SIP address with a user; its AOR is canonical") {
  struct Row {
    const char* text;
    const char* aor;  ///< Null: refused.
  };
  for (const Row& row : {Row{"alice@example.org", "sip:alice@example.org"},
                         Row{"sip:alice@EXAMPLE.org:5080;transport=tcp", "sip:alice@example.org"},
                         Row{"example.org", nullptr}, Row{"alice@", nullptr}, Row{"", nullptr}}) {
    CAPTURE(row.text);
    const auto account = account::parse_account(row.text);
    REQUIRE(account.has_value() == (row.aor != nullptr));
    if (!account) continue;
    CHECK(account->aor == row.aor);
    CHECK(account->user == "alice");
  }
}
