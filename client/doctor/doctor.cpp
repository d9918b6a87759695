#include "client/doctor/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::doctor {
namespace {

using Grade = Finding::Grade;
using Trouble = Server::Trouble;
using Findings = std::vector<Finding>;

/// Digest and lifetimes bear any difference; people's "last seen" and histories do not.
constexpr std::chrono::seconds clocks_differ{30};

bool has(const std::vector<std::string>& all, std::string_view one) {
  return std::ranges::any_of(all, [&](const std::string& each) { return iequals(each, one); });
}

std::string advice_for(Trouble trouble) {
  switch (trouble) {
    case Trouble::none:
      return "";
    case Trouble::refused:
      return "is the server running, and is this its port? A firewall may refuse it, too";
    case Trouble::silent:
      return "a firewall on the way drops it, or the address is not the server's";
    case Trouble::no_tls:
      return "this port speaks no TLS: name the port of TLS, or tcp:HOST:PORT";
    case Trouble::untrusted:
      return "name the authority, or the server's own certificate, with --ca, or ask for an invitation: it "
             "brings the "
             "fingerprint along";
    case Trouble::wrong_name:
      return "use the name that the certificate is for, or ask who runs the server for one with this name";
    case Trouble::other_certificate:
      return "ask who runs the server whether the certificate was replaced, and for a new invitation; else "
             "somebody is "
             "between you and the server";
    case Trouble::other:
      return "look at the reason; \"beckon --log info doctor\" says more";
  }
  return "";
}

bool is_distrust(Trouble trouble) {
  return trouble == Trouble::untrusted || trouble == Trouble::wrong_name ||
         trouble == Trouble::other_certificate || trouble == Trouble::no_tls;
}

/// False: nothing further can be said.
bool judge_servers(const Facts& facts, Findings& findings) {
  const bool works =
      std::ranges::any_of(facts.servers, [](const Server& each) { return each.trouble == Trouble::none; });
  for (const Server& each : facts.servers) {
    if (each.trouble == Trouble::none) {
      findings.push_back({Grade::good, "port", each.address + " answers", ""});
      continue;
    }
    findings.push_back({works ? Grade::warning : Grade::bad,
                        is_distrust(each.trouble) ? "certificate" : "port", each.address + ": " + each.reason,
                        advice_for(each.trouble)});
  }
  return works;
}

void judge_security(const Facts& facts, Findings& findings) {
  const auto used =
      std::ranges::find_if(facts.servers, [](const Server& each) { return each.trouble == Trouble::none; });
  if (used->is_secure)
    return findings.push_back(
        {Grade::good, "certificate",
         facts.is_pinned ? "is the one of the invitation" : "is trusted, and for this name", ""});
  findings.push_back({Grade::warning, "certificate",
                      used->address + " is in clear: others can read what you write",
                      "use tls:HOST, if the server has it"});
}

void judge_answer(const Answer& answer, Findings& findings) {
  const std::string software = answer.software.empty() ? "the server" : answer.software;
  std::string missing;
  const auto need = [&](bool there, std::string_view what) {
    if (!there) missing.append(missing.empty() ? "" : ", ").append(what);
  };
  need(answer.methods.empty() || has(answer.methods, "MESSAGE"), "messages");
  need(answer.packages.empty() || has(answer.packages, "presence"), "presence");
  need(answer.packages.empty() || has(answer.packages, "presence.winfo"), "who watches you");
  if (!missing.empty())
    findings.push_back({Grade::warning, "server", software + " does not offer: " + missing,
                        "these commands will fail here; the other ones work"});
  else
    findings.push_back(
        {Grade::good, "server",
         software + (has(answer.options, "beckon-direct") ? " offers direct sessions" : " answers"), ""});
}

void judge_clock(const Answer& answer, Findings& findings) {
  if (!answer.date) return;  // not every server says
  const auto apart = answer.came - *answer.date;
  const auto seconds = std::chrono::abs(apart).count();
  if (std::chrono::abs(apart) <= clocks_differ)
    return findings.push_back({Grade::good, "clock", "agrees with the server's", ""});
  findings.push_back(
      {Grade::warning, "clock",
       fmt::format("this machine is {} s {} the server", seconds, apart.count() > 0 ? "ahead of" : "behind"),
       "set the clock (timedatectl set-ntp true), or tell who runs the server that its is wrong"});
}

void judge_network(const Answer& answer, Findings& findings) {
  if (answer.seen_from.empty() || answer.sent_from.empty()) return;
  if (answer.seen_from == answer.sent_from)
    return findings.push_back({Grade::good, "network", "no NAT between this machine and the server", ""});
  findings.push_back({Grade::warning, "network",
                      fmt::format("a NAT: {} is seen as {}", answer.sent_from, answer.seen_from),
                      "messages and presence work; direct sessions with people behind other NATs may not"});
}

void judge_documents(const Facts& facts, Findings& findings) {
  if (facts.xcap.empty()) return;
  const bool serves = facts.xcap_status == 200 || facts.xcap_status == 401;
  if (serves) return findings.push_back({Grade::good, "documents", facts.xcap + " answers", ""});
  const std::string why =
      facts.xcap_status == 0 ? facts.xcap_reason : fmt::format("answers with {}", facts.xcap_status);
  findings.push_back(
      {Grade::bad, "documents", facts.xcap + ": " + why,
       "allow, block, contacts and history need it: name it with --xcap, or ask for an invitation"});
}

}  // namespace

std::vector<Finding> judge(const Facts& facts) {
  Findings findings;
  if (!facts.not_found.empty()) {
    findings.push_back(
        {Grade::bad, "name", facts.domain + ": " + facts.not_found,
         "is the name right, and is this machine on the network? --server tls:HOST:PORT needs no DNS "
         "records of the domain"});
    return findings;
  }
  findings.push_back({Grade::good, "name",
                      fmt::format("{} leads to {} address{}", facts.domain, facts.servers.size(),
                                  facts.servers.size() == 1 ? "" : "es"),
                      ""});
  if (!judge_servers(facts, findings)) return findings;
  judge_security(facts, findings);
  if (facts.answer) {
    judge_answer(*facts.answer, findings);
    judge_clock(*facts.answer, findings);
    judge_network(*facts.answer, findings);
  } else {
    findings.push_back({Grade::bad, "server", "no answer to OPTIONS",
                        "something else may listen there; over UDP a firewall may be between"});
  }
  judge_documents(facts, findings);
  return findings;
}

bool is_well(const std::vector<Finding>& findings) {
  return std::ranges::none_of(findings, [](const Finding& each) { return each.grade == Grade::bad; });
}

const char* to_string(Finding::Grade grade) {
  switch (grade) {
    case Grade::good:
      return "good";
    case Grade::warning:
      return "warning";
    case Grade::bad:
      return "bad";
  }
  return "bad";
}

std::string print(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& each : findings) {
    out += fmt::format("{:<8} {:<12} {}\n", to_string(each.grade), each.check, each.what);
    if (!each.advice.empty()) out += fmt::format("{:<21} -> {}\n", "", each.advice);
  }
  return out;
}

}  // namespace beckon::client::doctor
