#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/publication/publications.hpp"

namespace beckon::server::test {

/// A toy package: each device publishes a number, and the presentity's state is their sum. All that a new
/// published package needs.
class Counter final : public publication::Package {
 public:
  struct Value final : publication::State {
    explicit Value(std::string_view t) : text(t) {}
    std::string_view stored() const override { return text; }
    bool is_stored_whole() const override { return live == 0; }
    transaction::FlowId flow() const override { return live; }
    void move_to(transaction::FlowId to) override { live = live == 0 ? 0 : to; }
    void drop_flow_parts() override { live = 0; }

    std::string text;
    transaction::FlowId live = 0;  ///< Of a number published as "live".
  };

  std::string_view name() const override { return "counter"; }
  std::span<const std::string_view> content_types() const override { return types_; }
  std::uint32_t size_max() const override { return limit; }
  publication::Reading read(Entry&, std::string_view body, const Request& request) override {
    const bool live = body.starts_with("live ");
    auto reading = restore(live ? body.substr(5) : body);
    if (live) static_cast<Value&>(*reading.state).live = request.from.flow;
    return reading;
  }
  publication::Reading restore(std::string_view stored) override {
    std::uint32_t number = 0;
    const auto end = stored.data() + stored.size();
    if (stored.empty() || std::from_chars(stored.data(), end, number).ptr != end)
      return {.reason = "Not A Number"};
    return {.state = std::make_unique<Value>(stored), .size = number};
  }
  void on_changed(Entry& presentity, Now, std::optional<Time>) override {
    changes.push_back(sum(presentity));
  }

  /// Its room: `publications.add(counter)`.
  void join(publication::Publications& publications) {
    publications_ = &publications;
    publications.add(*this);
  }
  unsigned sum(const Entry& presentity) const {
    unsigned sum = 0;
    publications_->each(presentity, *this,
                        [&](const event::Publication& publication, const auto&) { sum += publication.size; });
    return sum;
  }

  std::uint32_t limit = 1000;
  std::vector<unsigned> changes;  ///< The sum after each.

 private:
  static constexpr std::array<std::string_view, 1> types_{"text/plain"};
  publication::Publications* publications_ = nullptr;
};

}  // namespace beckon::server::test
