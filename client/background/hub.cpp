#include "client/background/hub.hpp"

#include <algorithm>

#include "client/background/answers.hpp"
#include "client/control/event.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::background {
namespace {

std::string text_of(const boost::json::object& event, std::string_view name) {
  const auto* value = event.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace

Hub::Hub(Agent agent, std::string home, Limits limits)
    : agent_(std::move(agent)), home_(std::move(home)), limits_(limits) {}

std::optional<Hub::Number> Hub::attach() {
  if (controllers_.size() >= limits_.controllers) return std::nullopt;
  const Number number = ++last_controller_;
  controllers_[number].queue = ready_;
  return number;
}

void Hub::on_line(Number number, std::string_view line) {
  const auto found = controllers_.find(number);
  if (found == controllers_.end() || found->second.lost || trim(line).empty()) return;
  Controller& controller = found->second;
  const auto too_many = make_error_code(boost::system::errc::resource_unavailable_try_again);
  auto read = control::parse_command(line, home_);
  if (read && controller.running >= limits_.running)
    read = control::Rejected{too_many, read->id, "too many commands without a result", read->specification};
  ++controller.running;
  if (read) {
    read->id = remember(number, read->id, read->name());
    return agent_.execute(*read);
  }
  control::Rejected rejected = read.error();
  const auto* specification = rejected.specification;
  rejected.id = remember(number, rejected.id, specification != nullptr ? specification->name : "");
  agent_.refuse(rejected);
}

std::string Hub::remember(Number controller, std::string id, std::string_view command) {
  std::string own = "hub-" + std::to_string(++last_command_);
  asked_[own] = Asked{controller, std::move(id), std::string(command)};
  return own;
}

void Hub::on_event(const boost::json::object& event) {
  const std::string name = text_of(event, "event");
  if (name == "result") return on_result(event);
  const std::string line = control::print(event);
  if (name == "ready") ready_ = line;
  const bool answers = is_answer(name);
  for (auto& [number, controller] : controllers_)
    if (!answers || has_asked(number, name)) tell(controller, line);
}

/// The result of a command that no controller gave is for nobody.
void Hub::on_result(boost::json::object result) {
  const auto found = asked_.find(text_of(result, "id"));
  if (found == asked_.end()) return;
  const Asked asked = std::move(found->second);
  asked_.erase(found);
  const auto controller = controllers_.find(asked.controller);
  if (controller == controllers_.end()) return;
  --controller->second.running;
  if (asked.id.empty()) {
    result.erase("id");
  } else {
    result["id"] = asked.id;
  }
  tell(controller->second, control::print(result));
}

bool Hub::has_asked(Number controller, std::string_view event) const {
  return std::ranges::any_of(asked_, [&](const auto& each) {
    return each.second.controller == controller && is_answer(event, each.second.command);
  });
}

void Hub::tell(Controller& controller, const std::string& line) {
  if (controller.lost) return;
  controller.queue += line;
  controller.lost = controller.queue.size() > limits_.queue;
  if (controller.lost) controller.queue.clear();
}

std::string Hub::take(Number controller) {
  const auto found = controllers_.find(controller);
  return found == controllers_.end() ? std::string() : std::exchange(found->second.queue, {});
}

std::vector<Hub::Number> Hub::waiting() const {
  std::vector<Number> numbers;
  for (const auto& [number, controller] : controllers_)
    if (controller.lost || !controller.queue.empty()) numbers.push_back(number);
  return numbers;
}

bool Hub::is_lost(Number controller) const {
  const auto found = controllers_.find(controller);
  return found != controllers_.end() && found->second.lost;
}

}  // namespace beckon::client::background
