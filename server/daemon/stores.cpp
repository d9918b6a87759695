#include "server/daemon/stores.hpp"

#include <filesystem>
#include <fstream>

#include "protocol/base/log.hpp"
#include "protocol/crypto/crypto.hpp"
#include "server/admin/data_folder.hpp"

namespace beckon::server {
namespace {

store::Durability to_store(Durability durability) {
  switch (durability) {
    case Durability::memory:
      return store::Durability::memory;
    case Durability::process:
      return store::Durability::process;
    case Durability::power:
      return store::Durability::power;
  }
  return store::Durability::process;
}

Failure failure_of(const std::filesystem::path& file, const std::string& why) {
  return {Exit::store, file.string() + ": " + why};
}

/// Names this boot of the machine; empty where the system does not.
std::string boot_of_machine() {
  std::string name;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), name);
  return name;
}

std::optional<Failure> make_folder(const std::filesystem::path& data) {
  if (const auto problem = admin::problem_of_access(data)) return Failure{Exit::store, *problem};
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (!error) std::filesystem::permissions(data, std::filesystem::perms::owner_all, error);
  if (error) return failure_of(data, error.message());
  return std::nullopt;
}

}  // namespace

std::optional<Failure> StoreFiles::open(const Config& config, const Seats& seats) {
  if (auto failure = make_folder(config.data)) return failure;
  if (const auto problem = admin::problem_of_users(config.data)) return Failure{Exit::store, *problem};
  // Users first: a first start that is killed leaves no state file that would miss them.
  auto users = store::SqliteUsers::open(admin::users_file(config.data));
  if (!users) return failure_of(admin::users_file(config.data), users.error().message());
  users_ = std::move(*users);
  if (config.durability != Durability::memory)
    if (auto failure = open_state(config)) return failure;
  for (const auto& seat : seats) {
    if (auto failure = open_view(config, *seat)) return failure;
  }
  return std::nullopt;
}

/// The users file is marked after the state file is whole, and the mark goes before a lost one is made anew:
/// a start that is killed between the two is as good as none.
std::optional<Failure> StoreFiles::open_state(const Config& config) {
  const std::filesystem::path file = admin::state_file(config.data);
  const auto marked = users_->has_state_file();
  if (!marked) return failure_of(admin::users_file(config.data), marked.error().message());
  if (const auto problem = admin::problem_of_state(config.data, *marked))
    return Failure{Exit::store, *problem};
  const bool is_lost = *marked && admin::is_state_missing(config.data);
  Result<void> noted;
  if (is_lost) {
    log::warn("server",
              "{} is missing, and a new one is made: registrations, subscriptions and documents are lost",
              file.string());
    noted = users_->set_has_state_file(false);
  }
  if (!noted) return failure_of(admin::users_file(config.data), noted.error().message());
  crypto::SystemRandom random;
  auto opened =
      store::SqliteState::open(file, to_store(config.durability), clock_, boot_of_machine(), random);
  if (!opened) return failure_of(file, opened.error().message());
  state_ = std::move(*opened);
  if (!*marked || is_lost) noted = users_->set_has_state_file(true);
  if (!noted) return failure_of(admin::users_file(config.data), noted.error().message());
  return std::nullopt;
}

std::optional<Failure> StoreFiles::open_view(const Config& config, Seat& seat) {
  const auto executor = [&seat](std::function<void()> work) { seat.loop.post(std::move(work)); };
  const auto make_store = [&]() -> std::unique_ptr<store::StateStore> {
    if (state_) return state_->make_store(executor);
    return std::make_unique<store::NoStore>(seat.loop.timers(), seat.loop.clock());
  };
  seat.state = make_store();
  auto users = store::open_durable(admin::users_file(config.data), executor, make_store());
  if (!users) return failure_of(admin::users_file(config.data), users.error().message());
  seat.users = std::move(*users);
  return std::nullopt;
}

std::optional<Failure> StoreFiles::load(const Config& config, store::Loader& loader) {
  if (!state_) return std::nullopt;
  const auto loaded = state_->load(loader);
  if (loaded) return std::nullopt;
  return failure_of(admin::state_file(config.data), loaded.error().message());
}

void StoreFiles::finish() {
  if (state_) state_->finish();
}

std::vector<store::SqliteUsers::Gone> StoreFiles::gone_users() {
  auto gone = users_->gone();
  if (gone) return std::move(*gone);
  log::error("server", "users who were removed or disabled: {}", gone.error().message());
  return {};
}

void StoreFiles::forget_gone(const std::vector<store::SqliteUsers::Gone>& ended) {
  if (const auto done = users_->forget_gone(ended); !done)
    log::error("server", "users who were removed or disabled: {}", done.error().message());
}

bool StoreFiles::may_come_in(const std::string& aor) {
  const auto user = users_->find(aor);
  if (user) return *user && (*user)->enabled;
  log::error("server", "user {}: {}", aor, user.error().message());
  return false;
}

std::vector<std::string> StoreFiles::user_domains() {
  auto domains = users_->domains();
  if (domains) return std::move(*domains);
  log::error("server", "domains of the users: {}", domains.error().message());
  return {};
}

}  // namespace beckon::server
