#include "media/direct/control.hpp"

#include <algorithm>

namespace beckon::direct {
namespace {

constexpr std::array<char, 4> app_name{'B', 'K', 'D', 'S'};
constexpr std::size_t fixed_size = 4;

}  // namespace

rtcp::App print(const Control& control, std::uint32_t ssrc) {
  rtcp::App app{
      .subtype = static_cast<std::uint8_t>(control.type), .ssrc = ssrc, .name = app_name, .data = {}};
  app.data = {control.number, static_cast<std::uint8_t>(control.reason), 0, 0};
  if (control.type == Control::Type::answer) append(app.data, control.ephemeral);
  return app;
}

std::optional<Control> parse_control(const rtcp::App& app) {
  if (app.name != app_name || app.subtype < 1 || app.subtype > 4 || app.data.size() < fixed_size)
    return std::nullopt;
  Control control{.type = static_cast<Control::Type>(app.subtype),
                  .number = app.data[0],
                  .reason = static_cast<Reason>(app.data[1]),
                  .ephemeral = {}};
  if (control.type != Control::Type::answer) return control;
  if (app.data.size() < fixed_size + control.ephemeral.size()) return std::nullopt;
  std::copy_n(app.data.begin() + fixed_size, control.ephemeral.size(), control.ephemeral.begin());
  return control;
}

}  // namespace beckon::direct
