#include "client/doctor/doctor.hpp"

#include <doctest/doctest.h>

using namespace beckon::client::doctor;
using Grade = Finding::Grade;
using Trouble = Server::Trouble;

namespace {

constexpr std::chrono::sys_seconds noon{std::chrono::seconds(1800000000)};

/// What a healthy account looks like.
Facts make_facts() {
  Answer answer{.status = 200,
                .software = "beckond/0.1.0",
                .methods = {"MESSAGE", "SUBSCRIBE"},
                .packages = {"presence", "presence.winfo"},
                .options = {"beckon-direct"},
                .date = noon,
                .came = noon + std::chrono::seconds(1),
                .seen_from = "192.0.2.7:40000",
                .sent_from = "192.0.2.7:40000"};
  return {.domain = "example.org",
          .servers = {{.address = "tls 192.0.2.1:5061", .is_secure = true}},
          .answer = answer,
          .xcap = "https://example.org:5443/xcap",
          .xcap_status = 401};
}

/// "good name, bad port": grades and checks in their order.
std::string brief(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& each : findings)
    out += (out.empty() ? "" : ", ") + std::string(to_string(each.grade)) + " " + each.check;
  return out;
}

}  // namespace

TEST_CASE("where all is well nothing is to do") {
  const auto findings = judge(make_facts());
  CHECK(brief(findings) ==
        "good name, good port, good certificate, good server, good clock, good network, good documents");
  CHECK(is_well(findings));
  CHECK(print(findings).find("->") == std::string::npos);
  CHECK(print(findings).starts_with("good     name         example.org leads to 1 address\n"));
}

TEST_CASE("a name that leads nowhere ends the examination") {
  Facts facts = make_facts();
  facts.not_found = "no such domain";
  const auto findings = judge(facts);
  CHECK(brief(findings) == "bad name");
  CHECK_FALSE(is_well(findings));
  CHECK(print(findings).find("-> is the name right") != std::string::npos);
}

TEST_CASE("each trouble with a server has its check and an advice; with another server it is a warning") {
  struct Row {
    Trouble trouble;
    const char* check;
    const char* advice;
  };
  for (const Row& row :
       {Row{Trouble::refused, "port", "running"}, Row{Trouble::silent, "port", "firewall"},
        Row{Trouble::no_tls, "certificate", "no TLS"}, Row{Trouble::untrusted, "certificate", "--ca"},
        Row{Trouble::wrong_name, "certificate", "name"},
        Row{Trouble::other_certificate, "certificate", "invitation"},
        Row{Trouble::other, "port", "reason"}}) {
    CAPTURE(row.advice);
    Facts facts = make_facts();
    facts.servers = {
        {.address = "tls 192.0.2.1:5061", .is_secure = true, .trouble = row.trouble, .reason = "why"}};
    auto findings = judge(facts);
    CHECK(brief(findings) == std::string("good name, bad ") + row.check);
    CHECK(findings.back().what == "tls 192.0.2.1:5061: why");
    CHECK(findings.back().advice.find(row.advice) != std::string::npos);
    facts.servers.push_back({.address = "tls 192.0.2.2:5061", .is_secure = true});
    findings = judge(facts);
    CHECK(is_well(findings));
    CHECK(findings[1].grade == Grade::warning);
    CHECK(findings[2].what == "tls 192.0.2.2:5061 answers");
  }
}

TEST_CASE("a connection in clear, a clock that is wrong, a NAT and missing features are warnings") {
  Facts facts = make_facts();
  facts.servers[0] = {.address = "udp 192.0.2.1:5060"};
  facts.answer->came = noon + std::chrono::minutes(5);
  facts.answer->seen_from = "198.51.100.1:1234";
  facts.answer->packages = {"presence"};
  const auto findings = judge(facts);
  CHECK(brief(findings) ==
        "good name, good port, warning certificate, warning server, warning clock, warning network, good "
        "documents");
  CHECK(is_well(findings));
  CHECK(findings[3].what == "beckond/0.1.0 does not offer: who watches you");
  CHECK(findings[4].what == "this machine is 300 s ahead of the server");
  facts.answer->came = noon - std::chrono::minutes(5);
  CHECK(judge(facts)[4].what == "this machine is 300 s behind the server");
}

TEST_CASE("what a server does not say is not judged") {
  Facts facts = make_facts();
  facts.answer = Answer{.status = 200, .came = noon};
  facts.xcap.clear();
  CHECK(brief(judge(facts)) == "good name, good port, good certificate, good server");
}

TEST_CASE("no answer to OPTIONS and no documents are bad") {
  Facts facts = make_facts();
  facts.answer.reset();
  facts.xcap_status = 0;
  facts.xcap_reason = "connection refused";
  const auto findings = judge(facts);
  CHECK(brief(findings) == "good name, good port, good certificate, bad server, bad documents");
  CHECK(findings.back().what == "https://example.org:5443/xcap: connection refused");
  facts.xcap_status = 404;
  CHECK(judge(facts).back().what == "https://example.org:5443/xcap: answers with 404");
}
