#include "client/terminal/face.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include "protocol/base/text.hpp"

using namespace beckon;
using client::terminal::Face;

namespace {

std::string tell(Face& face, std::string_view json) {
  return face.tell(boost::json::parse(json).as_object());
}

std::string tell(std::string_view json) {
  Face face({.home = "example.org"});
  return tell(face, json);
}

}  // namespace

TEST_CASE(
    "one line tells of a user's presence: activity, notes, whether a direct session is possible and why "
    "not") {
  CHECK(tell(R"({"event":"presence","of":"sip:bob@example.org","basic":"open","activities":["busy"],
                 "notes":["back at ten"],"tuples":[{"id":"d","basic":"open","note":"at my desk",
                 "direct":{"mode":"auto","granted":true,"verified":true}}]})") ==
        "bob is open, busy: back at ten; at my desk (direct sessions: auto)\n");
  CHECK(tell(R"({"event":"presence","of":"sip:bob@other.example","basic":"closed","tuples":[]})") ==
        "bob@other.example is closed\n");
  struct Row {
    const char* direct;
    const char* told;
  };
  for (const Row& row :
       {Row{R"({"mode":"ask","granted":true,"verified":true})", "direct sessions: ask"},
        Row{R"({"mode":"ask","granted":false,"verified":true})", "no direct session: not permitted to you"},
        Row{R"({"mode":"off","granted":true,"verified":true})", "no direct session: switched off"},
        Row{R"({"mode":"auto","granted":true,"verified":false})",
            "no direct session: the device's identity is new; accept-key trusts it"},
        Row{"null", "no direct session: no device offers one"}}) {
    CAPTURE(row.direct);
    CHECK(
        tell(std::string(R"({"event":"presence","of":"sip:bob@example.org","basic":"open","tuples":[{"id":"d",
               "basic":"open","direct":)") +
             row.direct + "}]}") == std::string("bob is open (") + row.told + ")\n");
  }
}

TEST_CASE("what is not found is explained where the server says so, and not where the program has said why") {
  CHECK(tell(R"({"event":"result","command":"message","ok":false,"cause":"not-found","status":404,
                 "reason":"Not Found"})") ==
        "message: not-found (Not Found; no such user, call or message)\n");
  CHECK(tell(R"({"event":"result","command":"unpublish","ok":false,"cause":"not-found",
                 "reason":"this device publishes nothing"})") ==
        "unpublish: not-found (this device publishes nothing)\n");
}

TEST_CASE("names, notes and reasons of any length take some rows at most; a message is shown whole") {
  const std::string much(65536, 'x');
  const auto presence = tell(R"({"event":"presence","of":"sip:bob@example.org","basic":"open","tuples":[],
                                 "notes":[")" +
                             much + "\"]}");
  CHECK(presence.size() < 1000);
  CHECK(presence.find("xxx\u2026") != std::string::npos);
  const auto contacts = tell(R"({"event":"contacts","groups":[{"group":"g","contacts":[
                                 {"of":"sip:bob@example.org","name":")" +
                             much + "\"}]}]}");
  CHECK(contacts.size() < 1000);
  const auto message =
      tell(R"({"event":"message","from":"sip:bob@example.org","text":")" + much + R"(","time":""})");
  CHECK(message.size() > much.size());
}

TEST_CASE("a subscription that waits is not called a presence, and its end is told once") {
  Face face({.home = "example.org"});
  CHECK(tell(face,
             R"({"event":"subscription","to":"sip:bob@example.org","package":"presence","state":"unknown"})")
            .empty());
  CHECK(
      tell(face,
           R"({"event":"subscription","to":"sip:bob@example.org","package":"presence","state":"pending"})") ==
      "bob is asked whether you may see it; nothing is shown until then\n");
  CHECK(tell(face,
             R"({"event":"subscription","to":"sip:bob@example.org","package":"presence","state":"active"})")
            .empty());
  tell(face, R"({"event":"presence","of":"sip:bob@example.org","basic":"open","tuples":[]})");
  CHECK(
      tell(face,
           R"({"event":"subscription","to":"sip:bob@example.org","package":"presence","state":"terminated"})")
          .empty());
  CHECK(tell(face, R"({"event":"presence","of":"sip:bob@example.org","basic":"unknown","tuples":[]})") ==
        "bob is not watched any more\n");
  CHECK(tell(R"({"event":"subscription","to":"sip:bob@example.org","package":"presence","state":"terminated",
                 "reason":"rejected"})") == "bob does not let you see its presence (rejected)\n");
  CHECK(tell(R"({"event":"subscription","to":"sip:carl@example.org","package":"presence","state":"terminated",
                 "reason":"noresource"})") == "carl is not watched (noresource)\n");
}

TEST_CASE("of the watchers only what is new is told; who asks, with what to type") {
  Face face({.home = "example.org"});
  const auto watchers = [&face](std::string_view list, std::string_view permits) {
    return tell(face, R"({"event":"watchers","watchers":)" + std::string(list) + R"(,"permits":)" +
                          std::string(permits) + "}");
  };
  CHECK(watchers(R"([{"aor":"sip:bob@example.org","status":"pending"}])", "[]") ==
        "bob asks to see you: type allow bob, or block bob\n");
  CHECK(watchers(R"([{"aor":"sip:bob@example.org","status":"pending"}])", "[]").empty());
  CHECK(watchers(
            R"([{"aor":"sip:bob@example.org","status":"active"},{"aor":"sip:carol@b","status":"waiting"}])",
            R"([{"aor":"sip:bob@example.org","mode":"auto"}])") ==
        "bob sees you (may start direct sessions: auto)\n"
        "    carol@b asked to see you: type allow carol@b, or block carol@b\n");
  CHECK(watchers("[]", "[]") == "bob does not watch you any more\n    carol@b does not watch you any more\n");
}

TEST_CASE("a call that comes in is told with what to type, its end with the reason") {
  CHECK(
      tell(
          R"({"event":"call","call":"1","peer":"sip:bob@example.org","direction":"in","state":"ringing"})") ==
      "session 1: bob calls: type answer 1, or reject 1\n");
  CHECK(
      tell(
          R"({"event":"call","call":"1","peer":"sip:bob@example.org","direction":"out","state":"ringing"})") ==
      "session 1 with bob: ringing\n");
  CHECK(
      tell(
          R"({"event":"call","call":"1","peer":"sip:bob@b","direction":"out","state":"ended","reason":"busy"})") ==
      "session 1 with bob@b: ended (busy)\n");
}

TEST_CASE("texts of others are told harmless, with their lines, and times are local") {
  Face face({.home = "example.org", .local = [](WallTime) { return std::string("05:00 CET"); }});
  CHECK(tell(face, R"({"event":"message","from":"sip:bob@example.org","time":"2026-11-21T04:00:00.000Z",
                      "text":"a\u001b[2J\nb\tc\u202e","sent":"2026-11-20T04:00:00Z","subject":"x\ny"})") ==
        "bob (sent 05:00 CET, about x\u23cey): a<U+001B>[2J\n    b c<U+202E>\n");
  CHECK(tell(face, R"({"event":"warning","text":"one\ntwo\u001b"})") == "warning: one\u23cetwo<U+001B>\n");
  CHECK(
      tell(
          face,
          R"({"event":"contacts","groups":[{"group":"f","contacts":[{"of":"sip:bob@example.org","name":"B\u202e"}]}]})") ==
      "f:\n    bob  B<U+202E>\n");
  CHECK(
      tell(
          face,
          R"({"event":"message","from":"sip:bob@example.org","text":"sip:bob@example.org 2026-11-20T04:00:00Z"})") ==
      "bob: sip:bob@example.org 2026-11-20T04:00:00Z\n");
}

TEST_CASE("a failure is told with what to do about it") {
  CHECK(
      tell(
          R"({"event":"result","command":"register","ok":false,"cause":"credentials","reason":"Unauthorized"})") ==
      "register: credentials (Unauthorized; name or password is wrong, or guessed too often: wait a minute, "
      "then try again)\n");
  CHECK(
      tell(
          R"({"event":"result","command":"allow","ok":false,"cause":"usage","reason":"direct: no is not off|ask|auto"})") ==
      "allow: usage (direct: no is not off|ask|auto; `help allow` explains it)\n");
  CHECK(tell(R"({"event":"result","command":"publish","ok":true,"cause":"done"})") == "publish: done\n");
  CHECK(tell(R"({"event":"publication","state":"published","why_not_direct":"no key"})") ==
        "your presence is published, without direct sessions: no key\n");
}

TEST_CASE("who shows all of it, aligned by columns") {
  Face face({.home = "example.org"});
  CHECK(face.who() == "you watch nobody; subscribe USER does\n");
  tell(face,
       R"({"event":"presence","of":"sip:bob@example.org","basic":"open","activities":["busy"],"tuples":[]})");
  tell(face, R"({"event":"presence","of":"sip:日本@example.org","basic":"closed","tuples":[]})");
  tell(face,
       R"({"event":"subscription","to":"sip:carol@example.org","package":"presence","state":"pending"})");
  tell(face,
       R"({"event":"watchers","watchers":[{"aor":"sip:bob@example.org","status":"pending"}],"permits":[]})");
  tell(face,
       R"({"event":"call","call":"1","peer":"sip:bob@example.org","direction":"out","state":"active"})");
  CHECK(face.who() ==
        "  bob    open     busy (no direct session: no device offers one)\n"
        "  carol  asked\n"
        "  日本   closed\n"
        "who watches you:\n"
        "  bob asks to see you: type allow bob, or block bob\n"
        "  session 1 with bob: active\n");
  tell(face, R"({"event":"call","call":"1","peer":"sip:bob@example.org","direction":"out","state":"ended"})");
  CHECK(face.who().find("session 1") == std::string::npos);
}

TEST_CASE("colours are used where they are wanted") {
  Face face({.home = "example.org", .colour = true});
  CHECK(tell(face, R"({"event":"presence","of":"sip:bob@example.org","basic":"closed","tuples":[]})") ==
        "\x1b[1mbob\x1b[m is \x1b[2mclosed\x1b[m\n");
}

TEST_CASE("the connection is told of when it is lost, and when it is back") {
  Face face({.home = "example.org"});
  CHECK(tell(face, R"({"event":"connection","state":"up"})").empty());
  CHECK(tell(face, R"({"event":"connection","state":"down","reason":"closed"})") ==
        "no connection to the server (closed)\n");
  CHECK(tell(face, R"({"event":"connection","state":"up"})") == "connected to the server again\n");
}
