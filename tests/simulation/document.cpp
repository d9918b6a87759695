#include "tests/simulation/document.hpp"

#include <fmt/format.h>

#include <utility>

namespace beckon::simulation {

Document::Document(Network& network, Server& server, Ledger& ledger, std::string path, std::string type)
    : network_(network), server_(server), ledger_(ledger), path_(std::move(path)), type_(std::move(type)) {}

void Document::write(std::string text, std::function<void()> sent, std::function<void()> taken) {
  text_ = std::move(text);
  sent_ = std::move(sent);
  taken_ = std::move(taken);
  is_taken_ = false;
  put();
}

void Document::put() {
  if (is_stopped_) return;
  if (in_flight_) {
    is_due_ = true;
    return;
  }
  in_flight_ = true;
  sent_();
  http::HttpRequest request{.method = "PUT",
                            .target = "/xcap/" + path_,
                            .headers = {{"Content-Type", type_}},
                            .body = text_,
                            .peer = *parse_address("10.0.2.1:40000")};
  network_.world().note("PUT", request.body);
  const auto back = [this, taken = taken_](const Result<http::HttpResponse>& reply) {
    const int status = reply ? reply->status : 0;
    network_.deliver_reliably([this, taken, status] { on_end(status, taken); });
  };
  network_.deliver_reliably([this, request, back] {
    if (!is_stopped_) server_.handle_http(request, back);
  });
}

void Document::on_end(int status, const std::function<void()>& taken) {
  in_flight_ = false;
  World& world = network_.world();
  world.note(fmt::format("PUT of {} ends with {}", path_, status));
  if (is_stopped_) return;
  const bool is_taken = status / 100 == 2;
  const bool is_newest = !std::exchange(is_due_, false);
  if (is_taken) taken();
  is_taken_ = is_taken && is_newest;
  if (status != 0 && status != 503 && !is_taken)
    ledger_.fail(fmt::format("a PUT of {} is answered {}", path_, status));
  if (is_taken_) return;
  const Duration pause(static_cast<Duration::rep>(world.random().below(1'000'000)));
  world.timers().set(world.now().mono + pause, [this](Time) { put(); });
}

std::string rule_document(const Ledger::Rules& rules) {
  std::string text =
      "<cr:ruleset xmlns=\"urn:ietf:params:xml:ns:pres-rules\" "
      "xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\">";
  for (const auto& [watcher, handling] : rules) {
    if (handling == Handling::none) continue;
    const bool notes = handling == Handling::allow;
    const char* action = handling == Handling::without_notes ? "allow" : to_string(handling);
    text += fmt::format(
        "<cr:rule id=\"{}\"><cr:conditions><cr:identity><cr:one id=\"{}\"/></cr:identity></cr:conditions>"
        "<cr:actions><sub-handling>{}</sub-handling></cr:actions><cr:transformations><provide-services>"
        "<all-services/></provide-services><provide-persons><all-persons/></provide-persons>{}"
        "</cr:transformations></cr:rule>",
        watcher.substr(4, watcher.find('@') - 4), watcher, action, notes ? "<provide-all-attributes/>" : "");
  }
  return text + "</cr:ruleset>";
}

}  // namespace beckon::simulation
