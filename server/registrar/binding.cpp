#include "server/registrar/binding.hpp"

#include <boost/json.hpp>

#include "protocol/base/address.hpp"

namespace beckon::server::registrar {

namespace json = boost::json;

const char* to_string(BindingEvent event) {
  switch (event) {
    case BindingEvent::registered:
      return "registered";
    case BindingEvent::created:
      return "created";
    case BindingEvent::refreshed:
      return "refreshed";
    case BindingEvent::shortened:
      return "shortened";
    case BindingEvent::expired:
      return "expired";
    case BindingEvent::deactivated:
      return "deactivated";
    case BindingEvent::unregistered:
      return "unregistered";
    case BindingEvent::rejected:
      return "rejected";
  }
  return "unknown";
}

std::string key_of(const Binding& binding) {
  if (binding.instance.empty()) return binding.contact;
  return binding.instance + ';' + std::to_string(binding.reg_id);
}

std::string print(const Binding& binding, Now now) {
  const auto left = std::chrono::floor<std::chrono::milliseconds>(binding.expires - now.mono);
  json::object value{
      {"contact", binding.contact},
      {"parameters", binding.parameters},
      {"instance", binding.instance},
      {"reg_id", binding.reg_id},
      {"q", binding.q},
      {"path", binding.path},
      {"call_id", binding.call_id},
      {"cseq", binding.cseq},
      {"user_agent", binding.user_agent},
      {"protocol", static_cast<int>(binding.received.protocol)},
      {"remote", print(binding.received.remote)},
      {"local", print(binding.received.local)},
      {"on_flow", binding.bound_to_flow()},
      {"registered", binding.registered_wall.time_since_epoch().count()},
      {"expires", (now.wall + left).time_since_epoch().count()},
  };
  return json::serialize(value);
}

namespace {

std::string text(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->as_string()) : std::string{};
}

template <class T>
T number(const json::object& object, std::string_view key, T otherwise) {
  const auto* found = object.if_contains(key);
  json::error_code error;
  const T value = found ? found->to_number<T>(error) : otherwise;
  return error ? otherwise : value;
}

WallTime wall(const json::object& object, std::string_view key) {
  return WallTime(std::chrono::milliseconds(number<std::int64_t>(object, key, 0)));
}

}  // namespace

std::optional<Binding> parse_binding(std::string_view value, Now now) {
  json::error_code error;
  const auto parsed = json::parse(value, error);
  if (error || !parsed.is_object()) return std::nullopt;
  const auto& object = parsed.as_object();
  const auto remote = parse_address(text(object, "remote"));
  const auto local = parse_address(text(object, "local"));
  const auto protocol = number<int>(object, "protocol", -1);
  if (!remote || !local || protocol < 0 || protocol > static_cast<int>(transaction::Protocol::wss)) {
    return std::nullopt;
  }
  const auto lived = now.wall - wall(object, "registered");
  const auto left = wall(object, "expires") - now.wall;
  return Binding{
      .contact = text(object, "contact"),
      .parameters = text(object, "parameters"),
      .instance = text(object, "instance"),
      .reg_id = number<std::uint32_t>(object, "reg_id", 0),
      .q = number<double>(object, "q", 1.0),
      .path = text(object, "path"),
      .call_id = text(object, "call_id"),
      .cseq = number<std::uint32_t>(object, "cseq", 0),
      .user_agent = text(object, "user_agent"),
      .received = {.protocol = static_cast<transaction::Protocol>(protocol),
                   .remote = *remote,
                   .local = *local},
      .registered = now.mono - lived,
      .expires = now.mono + left,
      .registered_wall = wall(object, "registered"),
      .suspended = object.contains("on_flow") && object.at("on_flow") == json::value(true),
  };
}

}  // namespace beckon::server::registrar
