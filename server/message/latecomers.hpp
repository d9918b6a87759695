#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/message/attempts.hpp"
#include "server/message/boxes.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::message {

/// A device that has refused a relayed request.
struct Refusal {
  std::string device{};
  bool may_take_later = false;
};

/// Requests that were taken over from the proxy, and are stored and answered, while devices that were silent
/// may still answer the copies that were relayed to them. Of one shard.
class Latecomers final {
 public:
  /// All outlive it.
  Latecomers(Boxes& boxes, Attempts& attempts, Clock& clock);

  void add(const RequestPtr& request);
  bool has(const Request& request) const { return taken_.contains(request.id); }
  /// The number it has in its user's inbox; 0: it could not be stored.
  void on_stored(const Request& request, std::uint64_t number);
  /// A device that was silent until now has refused it.
  void on_refusal(const Request& request, Refusal refusal);
  /// The devices have answered; `device` has accepted it, if it is not empty.
  void on_end(const Request& request, int status, std::string device);

 private:
  struct Taken {
    RequestPtr request{};
    std::optional<std::uint64_t> number{};  ///< Absent: it is not stored yet; 0: it could not be.
    bool has_ended = false;                 ///< The devices have answered:
    Verdict verdict = Verdict::later;
    std::string device{};
    std::vector<Refusal> refusals{};  ///< Until it is stored.
  };

  void note(Entry& user, std::uint64_t number, const Refusal& refusal);
  void end_if_known(const Request& request);

  Boxes& boxes_;
  Attempts& attempts_;
  Clock& clock_;
  std::unordered_map<transaction::TransactionId, Taken> taken_;
};

}  // namespace beckon::server::message
