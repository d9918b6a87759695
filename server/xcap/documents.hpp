#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/documents/pres_rules.hpp"
#include "protocol/xcap/exchange.hpp"
#include "protocol/xcap/target.hpp"
#include "protocol/xcap/usage.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"

/// Users' documents over XCAP (RFC 4825). Speaks no HTTP: requests and responses are values.
namespace beckon::server::xcap {

/// Path of the XCAP root in our URLs.
inline constexpr std::string_view root = "/xcap";
/// Documents one user may keep: presence rules are one document in practice.
inline constexpr std::size_t documents_per_user = 16;
/// PUTs and DELETEs of one user that may wait for the store.
inline constexpr std::size_t waiting_max = 16;

/// Whose tree a request target is in: the realm its credentials are of, and the bucket that answers it.
/// Nothing for what is nobody's (`Documents::handle_global` answers it).
std::optional<std::string> owner_of(std::string_view target);

/// Answers what belongs to no user: the capabilities document, 404, 400. Needs no shard.
beckon::xcap::Response handle_global(const beckon::xcap::Request& request);

/// The documents of one shard's users. A change is first in the store, then true, then on the bus
/// (store::Kind::document), then answered.
class Documents final : public Room {
 public:
  using Done = std::function<void(beckon::xcap::Response)>;

  explicit Documents(Services& services) : services_(services) {}

  /// At the bucket of `owner_of(request.target)`. Whole documents only; only the owner may touch his tree.
  void handle(beckon::xcap::Request request, const Identity& who, Done done);

  /// All rules a user has set, over all of his documents (RFC 5025 9); null when he has set none.
  const documents::Rules* rules(std::string_view aor) const;

  void restore(const store::Record& record, Now now) override;
  std::vector<Table> tables(Now now) const override;

 private:
  struct Document {
    std::string etag;
    std::string text;
  };
  struct Job {
    beckon::xcap::Request request;
    const beckon::xcap::Usage* usage;
    std::string key;  ///< "pres-rules/index"
    Done done;
  };
  struct Tree {
    std::map<std::string, Document> documents;  ///< By key.
    std::optional<documents::Rules> rules;
    std::deque<Job> waiting;  ///< Changes run one after the other, each after the store has the one before.
    bool committing = false;
  };

  void run(const std::string& aor);
  void take(const std::string& aor, Job job);
  void commit(const std::string& aor, Job job, std::optional<Document> next, unsigned status);
  void committed(const std::string& aor, const Job& job, std::optional<Document> next,
                 store::Version version);
  static void read_rules(Tree& tree);

  Services& services_;
  std::map<std::string, Tree, std::less<>> trees_;  ///< By AOR.
};

}  // namespace beckon::server::xcap
