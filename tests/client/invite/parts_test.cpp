#include <doctest/doctest.h>

#include "client/invite/dtmf_info.hpp"
#include "client/invite/reason.hpp"
#include "client/invite/session_timer.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"

using namespace beckon;
using namespace beckon::client;
using namespace beckon::client::invite;
using sip::HeaderId;

namespace {

sip::Message make(std::string_view method, std::initializer_list<std::pair<HeaderId, const char*>> headers) {
  auto builder = sip::Builder::request(method, "sip:bob@example.org");
  for (const auto& [id, value] : headers) builder.add(id, std::string_view(value));
  return *sip::Message::parse(share(std::move(builder).finish()));
}

sip::Message make_response(int status, std::initializer_list<std::pair<HeaderId, const char*>> headers) {
  auto builder = sip::Builder::response(status);
  for (const auto& [id, value] : headers) builder.add(id, std::string_view(value));
  return *sip::Message::parse(share(std::move(builder).finish()));
}

constexpr Time start{Duration(1'000'000'000)};

}  // namespace

TEST_CASE("a Reason of protocol SIP is read; others are passed over (RFC 3326)") {
  const auto both = make("BYE", {{HeaderId::reason, "Q.850;cause=16;text=\"Terminated\""},
                                 {HeaderId::reason, "SIP ;cause=408 ;text=\"Session timer expired\""}});
  REQUIRE(find_reason(both));
  CHECK(find_reason(both)->cause == 408);
  CHECK(find_reason(both)->text == "Session timer expired");
  CHECK_FALSE(find_reason(make("BYE", {{HeaderId::reason, "Q.850;cause=16"}})));
  CHECK_FALSE(find_reason(make("BYE", {})));
  CHECK(print({408, "No ACK"}) == "SIP ;cause=408 ;text=\"No ACK\"");
}

TEST_CASE("why a call ended, as the contract names it") {
  CHECK(cause_of_final(486, nullptr).cause == control::Cause::unreachable);  // no response: no answer
  const auto busy = make_response(486, {});
  CHECK(cause_of_final(486, &busy).cause == control::Cause::unavailable);
  CHECK(cause_of_final(486, &busy).code == 486);
  CHECK(cause_of_final(486, &busy).reason == "Busy Here");
  const auto declined = make_response(603, {});
  CHECK(cause_of_final(603, &declined).cause == control::Cause::refused);
  CHECK(cause_of_end(make("BYE", {})).cause == control::Cause::done);
  CHECK(cause_of_end(make("BYE", {{HeaderId::reason, "SIP;cause=408"}})).cause ==
        control::Cause::unavailable);
  const auto elsewhere =
      cause_of_end(make("CANCEL", {{HeaderId::reason, "SIP;cause=200;text=\"Call completed elsewhere\""}}));
  CHECK(elsewhere.cause == control::Cause::done);
  CHECK(elsewhere.reason == "Call completed elsewhere");
  CHECK(cause_of_end(make("CANCEL", {})).code == 487);
}

TEST_CASE("digits in INFO") {
  CHECK(parse_dtmf("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n") == '5');
  CHECK(parse_dtmf("Application/DTMF-Relay;charset=utf-8", "Signal= *\nDuration= 250") == '*');
  CHECK(parse_dtmf("application/dtmf-relay", "Signal=11\r\n") == '#');
  CHECK(parse_dtmf("application/dtmf", " d \r\n") == 'D');
  CHECK_FALSE(parse_dtmf("application/dtmf-relay", "Duration=160\r\n"));
  CHECK_FALSE(parse_dtmf("application/dtmf-relay", "Signal=x\r\n"));
  CHECK_FALSE(parse_dtmf("text/plain", "5"));
  CHECK(parse_dtmf(dtmf_relay_type, print_dtmf('#')) == '#');
}

TEST_CASE("Session-Expires is read and printed (RFC 4028 4)") {
  const auto read = [](const char* value) {
    return session_expires_of(make("INVITE", {{HeaderId::session_expires, value}}));
  };
  CHECK(read("1800") == SessionExpires{1800, SessionExpires::Refresher::unsaid});
  CHECK(read("90;refresher=UAS") == SessionExpires{90, SessionExpires::Refresher::uas});
  CHECK_FALSE(read("soon"));
  CHECK_FALSE(session_expires_of(make("INVITE", {})));
  CHECK(print(SessionExpires{600, SessionExpires::Refresher::uac}) == "600;refresher=uac");
}

TEST_CASE("the UAC refreshes after half the interval unless the answer names the UAS (RFC 4028 7.2, 10)") {
  SessionTimer timer;
  CHECK_FALSE(timer.next());
  timer.on_success_received(make_response(200, {{HeaderId::session_expires, "1800;refresher=uac"}}), start);
  CHECK(timer.next() == start + 900s);
  CHECK(timer.due() == SessionTimer::Due::refresh);
  CHECK(timer.request() == SessionExpires{1800, SessionExpires::Refresher::uac});
  timer.on_refresh_sent(start + 900s);
  CHECK_FALSE(timer.next());
  timer.on_success_received(make_response(200, {{HeaderId::session_expires, "1800;refresher=uas"}}),
                            start + 900s);
  CHECK(timer.due() == SessionTimer::Due::expire);
  CHECK(timer.next() == start + 2700s - 32s);
  timer.on_success_received(make_response(200, {{HeaderId::session_expires, "90;refresher=uas"}}), start);
  CHECK(timer.next() == start + 60s);
  timer.on_success_received(make_response(200, {}), start);
  CHECK_FALSE(timer.next());
}

TEST_CASE("the UAS takes the interval of the request, and refreshes for a UAC that cannot (RFC 4028 9)") {
  SessionTimer timer;
  const auto able = make("INVITE", {{HeaderId::session_expires, "1200"}, {HeaderId::supported, "timer"}});
  CHECK(timer.answer(able, start) == SessionExpires{1200, SessionExpires::Refresher::uac});
  CHECK(timer.due() == SessionTimer::Due::expire);
  const auto unable = make("INVITE", {{HeaderId::session_expires, "1200"}});
  CHECK(timer.answer(unable, start) == SessionExpires{1200, SessionExpires::Refresher::uas});
  CHECK(timer.due() == SessionTimer::Due::refresh);
  CHECK_FALSE(timer.answer(make("INVITE", {}), start));
  CHECK_FALSE(timer.next());
  const auto brief = make("INVITE", {{HeaderId::session_expires, "60"}, {HeaderId::supported, "timer"}});
  CHECK(SessionTimer::too_short(brief) == 90);
  CHECK_FALSE(SessionTimer::too_short(make("INVITE", {{HeaderId::session_expires, "60"}})));
  CHECK_FALSE(SessionTimer::too_short(able));
}
