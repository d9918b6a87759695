#include "media/direct/decision.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace beckon;
using namespace beckon::direct;

namespace {

constexpr auto automatic = ds1::Mode::automatic;
constexpr auto ask = ds1::Mode::ask;
constexpr auto off = ds1::Mode::off;

/// A request that is answered by itself; rows change one thing.
struct Situation {
  Request request{.ticket = automatic,
                  .permit = automatic,
                  .verified = true,
                  .in_call = false,
                  .want = automatic,
                  .media = {{MediaKind::audio, Direction::sendrecv, 111, 1}}};
  Published published{automatic,
                      {{MediaKind::audio, Direction::sendrecv, automatic, {{111, 48000}, {0, 8000}}},
                       {MediaKind::video, Direction::recvonly, automatic, {{96, 90000}}}}};
  Policy policy{.do_not_disturb = false, .reachable = true, .automatic_video = false, .networks = {}};
};

}  // namespace

TEST_CASE("the effective mode is the lowest anyone allows (DIRECT_SESSIONS 9)") {
  const struct {
    const char* what;
    std::function<void(Situation&)> change;
    ds1::Mode mode;
    Reason refusal;
  } rows[] = {
      {"all agree", [](Situation&) {}, automatic, Reason::none},
      {"ticket ask", [](Situation& s) { s.request.ticket = ask; }, ask, Reason::none},
      {"permit ask", [](Situation& s) { s.request.permit = ask; }, ask, Reason::none},
      {"permit off", [](Situation& s) { s.request.permit = off; }, off, Reason::mode_not_allowed},
      {"published ask", [](Situation& s) { s.published.mode = ask; }, ask, Reason::none},
      {"published off", [](Situation& s) { s.published.mode = off; }, off, Reason::mode_not_allowed},
      {"the kind ask", [](Situation& s) { s.published.media[0].mode = ask; }, ask, Reason::none},
      {"caller wants to ring", [](Situation& s) { s.request.want = ask; }, ask, Reason::none},
      {"caller not verified", [](Situation& s) { s.request.verified = false; }, ask, Reason::none},
      {"own flow dead", [](Situation& s) { s.policy.reachable = false; }, ask, Reason::none},
      {"do not disturb", [](Situation& s) { s.policy.do_not_disturb = true; }, off, Reason::busy},
      {"in a call, auto", [](Situation& s) { s.request.in_call = true; }, off, Reason::busy},
      {"in a call, ask",
       [](Situation& s) {
         s.request.in_call = true;
         s.request.want = ask;
       },
       ask, Reason::none},
      {"video without consent",
       [](Situation& s) { s.request.media = {{MediaKind::video, Direction::sendonly, 96, 2}}; }, ask,
       Reason::none},
      {"video with consent",
       [](Situation& s) {
         s.request.media = {{MediaKind::video, Direction::sendonly, 96, 2}};
         s.policy.automatic_video = true;
       },
       automatic, Reason::none},
      {"audio auto beside video ask",
       [](Situation& s) { s.request.media.push_back({MediaKind::video, Direction::sendonly, 96, 2}); }, ask,
       Reason::none},
      {"a payload type not published", [](Situation& s) { s.request.media[0].payload_type = 8; }, off,
       Reason::media_not_supported},
      {"a kind not published", [](Situation& s) { s.published.media.clear(); }, off,
       Reason::media_not_supported},
      {"both sides only send",
       [](Situation& s) {
         s.request.media[0].dir = Direction::sendonly;
         s.published.media[0].dir = Direction::sendonly;
       },
       off, Reason::media_not_supported},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Situation situation;
    row.change(situation);
    const auto decision = decide(situation.request, situation.published, situation.policy);
    CHECK(decision.mode == row.mode);
    CHECK(decision.refusal == row.refusal);
  }
}

TEST_CASE("lines are turned to the callee's view and cut to what it published (DIRECT_SESSIONS 5)") {
  Situation situation;
  situation.request.media = {{MediaKind::audio, Direction::sendonly, 0, 7},
                             {MediaKind::video, Direction::sendrecv, 96, 8}};
  const auto decision = decide(situation.request, situation.published, situation.policy);
  CHECK(decision.media == std::vector<MediaLine>{{MediaKind::audio, Direction::recvonly, 0, 8000},
                                                 {MediaKind::video, Direction::recvonly, 96, 90000}});
  CHECK(decision.ssrcs == std::vector<std::uint32_t>{7, 8});
}

TEST_CASE("a kind whose mode is off is left out, the other stays") {
  Situation situation;
  situation.published.media[1].mode = off;
  situation.request.media.push_back({MediaKind::video, Direction::sendonly, 96, 2});
  const auto decision = decide(situation.request, situation.published, situation.policy);
  CHECK(decision.mode == automatic);
  CHECK(decision.media.size() == 1);
}
