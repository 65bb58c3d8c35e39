//! What any store must do, sentence by sentence: one suite for every database.
//!
//! A database takes part by a function `async fn open() -> Option<Bench>` (none where the machine has no such database)
//! and one line, `suite!(path::to::open);`.

pub(crate) mod anew;
pub(crate) mod bench;
pub(crate) mod cache;
pub(crate) mod calendar;
pub(crate) mod cancel;
pub(crate) mod catalogue;
pub(crate) mod clock_skew;
pub(crate) mod collect;
pub(crate) mod crashes;
pub(crate) mod day;
pub(crate) mod figures;
pub(crate) mod fill_endings;
pub(crate) mod fill_fixture;
pub(crate) mod fill_queue;
pub(crate) mod fill_rivals;
pub(crate) mod fill_speed;
pub(crate) mod fills;
pub(crate) mod fixture;
pub(crate) mod fleet;
pub(crate) mod generations;
pub(crate) mod history;
pub(crate) mod inside;
pub(crate) mod instances;
pub(crate) mod lack;
pub(crate) mod long_queue;
pub(crate) mod look_speed;
pub(crate) mod orders;
pub(crate) mod publish;
pub(crate) mod pushes;
pub(crate) mod queue;
pub(crate) mod refusal;
pub(crate) mod retired;
pub(crate) mod schedule;
pub(crate) mod seeds;
pub(crate) mod sentences;
pub(crate) mod settle;
pub(crate) mod shards;
pub(crate) mod shown;
pub(crate) mod status;
pub(crate) mod storm;
pub(crate) mod tally;
pub(crate) mod trouble;
pub(crate) mod upkeep;

pub(crate) use bench::{Bench, Clock, Death, Rows};

macro_rules! suite {
    ($open:path) => {
        $crate::conformance::sentences! { $open;
            catalogue:
                adding_a_repository_twice_gives_the_same_one
                spellings_of_one_location_are_one_repository_though_they_are_added_at_once
                two_refs_of_a_remote_are_two_repositories
                a_removed_repository_leaves_nothing_behind
                a_vanished_remote_is_marked_stale_since_the_first_time
                a_policy_is_kept_and_ranks_the_queued_job;
            anew:
                what_is_cut_anew_is_published_and_its_attempt_ends_as_it_failed
                who_reaches_again_what_was_cut_anew_is_to_read_all_of_it
                what_was_cut_anew_is_cut_back_as_well
                what_moved_since_or_lacks_an_artifact_is_not_cut_anew
                what_is_cut_in_a_way_that_was_left_is_told_to_get_no_vectors
                entries_are_listed_by_chunking
                what_no_schedule_checks_or_is_gone_gets_one_job_when_the_fleet_cuts_in_another_way;
            queue:
                a_repository_has_at_most_one_queued_job
                folding_keeps_the_earliest_time_the_best_rank_and_every_wish
                an_enqueue_during_a_run_leaves_exactly_one_follow_up
                only_force_shortens_a_backoff
                jobs_are_claimed_by_due_so_that_priorities_age
                an_instance_that_is_not_registered_or_retired_claims_nothing
                a_claim_takes_only_the_jobs_it_was_told_to
                a_heavy_job_needs_a_slot_in_hand
                the_wait_for_a_slot_is_told_apart_and_the_wait_counts_from_when_it_was_first_to_run
                a_paused_repository_waits_and_a_forced_job_runs
                the_time_until_the_next_job_is_the_databases
                a_claim_tells_what_asked_for_it_and_the_attempt_before
                of_what_asked_for_a_job_the_first_eight_are_kept_with_their_state
                a_job_of_an_unknown_repository_is_refused
                slots_are_never_exceeded_and_zero_switches_them_off;
            settle:
                a_settlement_of_a_lost_claim_changes_nothing_and_is_counted
                a_lost_acknowledgement_is_recognised
                an_attempt_counts_when_it_is_claimed
                an_attempt_that_progressed_or_was_handed_back_does_not_count
                used_up_attempts_bury_the_repository
                a_dead_repository_is_tried_once_unless_forced_and_rises_when_it_ends_well
                fresh_means_current_as_of_now
                a_job_that_goes_back_takes_its_follow_up_into_itself
                a_cancelled_job_leaves_its_follow_up
                the_history_tells_how_each_attempt_ended
                the_latest_attempts_of_all_repositories_are_one_list;
            crashes:
                a_job_whose_instance_died_is_the_first_to_be_claimed_whatever_the_ranks
                a_job_whose_instance_died_goes_back_at_once_and_its_attempt_does_not_count
                a_job_whose_instance_died_stays_the_first_until_an_attempt_fails
                a_job_whose_instance_died_goes_before_light_ones_though_it_waits_for_a_slot
                after_the_second_crash_a_job_runs_in_a_child
                however_often_its_instance_dies_a_repository_is_not_in_quarantine
                the_third_death_of_a_child_is_quarantine_with_its_reason
                three_attempts_in_a_row_that_were_stuck_are_quarantine_with_the_reason
                a_repository_in_quarantine_that_a_person_asks_for_runs_in_a_child
                what_a_process_told_of_a_job_before_it_died_is_what_the_attempt_did
                a_job_that_ends_well_leaves_no_crash_behind;
            shards:
                a_large_publication_is_filled_in_shards_and_so_is_all_of_a_repository;
            fill_queue:
                a_refresh_and_a_fill_of_one_repository_run_beside_each_other
                a_claimed_fill_tells_what_it_is_to_do
                who_takes_only_what_is_new_passes_over_the_bulk
                of_each_key_one_fill_is_queued_and_one_runs
                a_request_meets_no_fill
                the_schedule_sees_no_fill
                bulk_stands_behind_what_is_new_and_both_follow_their_repository
                bulk_is_never_left_behind_for_good
                of_all_states_only_paused_holds_a_fill_back
                a_fill_is_taken_by_who_can_produce_it
                who_refused_a_repository_still_fills_it
                the_figures_of_the_queue_are_of_refreshes;
            fill_rivals:
                forks_that_are_filled_at_once_are_filled_from_both_ends
                a_fill_turns_round_when_one_that_comes_from_its_end_begins
                a_third_fork_begins_in_the_middle_while_something_is_left_there;
            fill_endings:
                no_ending_of_a_fill_touches_its_repository
                a_fill_fails_as_often_as_it_likes
                a_fill_that_came_to_its_end_is_gone_and_told
                neither_kind_ends_as_the_other
                a_fill_neither_stages_nor_publishes
                what_goes_back_takes_the_follow_up_of_its_own_key_alone
                a_fill_whose_instance_died_goes_back_and_after_the_second_time_runs_in_a_child
                a_hold_is_told_until_it_is_over_or_a_fill_ended_well
                a_text_that_its_process_dies_of_is_left_out_and_no_other
                a_person_has_the_texts_of_a_repository_tried_again_whatever_they_failed_for
                whoever_finds_dead_fills_leaves_out_the_text_that_two_of_them_had_in_hand
                a_running_fill_that_was_taken_out_does_not_go_back
                fills_between_attempts_that_were_stuck_say_nothing
                what_no_generation_wants_any_more_is_not_filled;
            schedule:
                what_is_due_gets_a_job_and_nothing_else
                a_page_ends_where_the_next_begins
                an_interval_counts_from_the_last_attempt
                an_adaptive_interval_is_half_the_age_of_the_commit
                failures_double_the_interval
                paused_and_quarantined_repositories_are_left_alone
                failures_in_a_row_are_counted
                a_repository_fails_since_the_first_failure_in_a_row
                schedules_of_many_instances_leave_one_job_each;
            calendar:
                a_repository_is_due_at_its_moments_and_one_that_was_missed_is_made_up_for_once
                after_a_failure_it_is_tried_again_sooner_and_never_later_than_at_its_next_moment
                what_is_due_at_the_same_moment_begins_at_a_place_of_its_own_within_the_spread
                a_new_calendar_asks_for_nothing_that_was_before_it
                a_moment_that_was_planned_by_a_clock_that_ran_ahead_is_planned_anew;
            cancel:
                a_queued_job_is_taken_out_at_once
                a_running_job_that_was_taken_out_does_not_go_back
                a_job_that_was_taken_out_too_late_ends_as_it_did
                a_pinned_job_is_taken_by_its_instance_alone
                the_last_request_decides_on_the_pin
                pinned_jobs_go_with_their_instance
                a_pin_to_an_instance_that_ended_is_refused;
            refusal:
                what_one_instance_refuses_another_takes_at_once
                a_refusal_outlasts_its_job_and_goes_after_ten_minutes
                what_every_live_instance_refused_is_dead_with_all_reasons
                one_instance_alone_is_the_fleet
                who_gives_no_sign_of_life_is_not_waited_for
                a_refusal_of_all_may_end_otherwise_than_dead
                a_pinned_job_has_no_others
                an_instance_that_joins_tries_what_all_others_refused
                when_one_leaves_the_others_are_asked_anew
                what_an_instance_has_again_it_takes_again
                a_refused_job_that_a_person_took_out_does_not_go_back;
            fleet:
                the_first_says_what_the_fleet_runs_by_and_who_differs_follows
                a_roll_out_changes_over_once_when_the_last_of_before_is_gone
                one_that_starts_alone_need_not_wait
                who_visits_decides_nothing_where_a_daemon_did
                of_many_that_start_at_once_one_decides
                who_has_no_model_differs_from_nobody_and_keeps_no_other_model_out
                a_fleet_without_a_model_has_that_of_the_first_that_has_one;
            generations:
                the_first_publication_makes_its_generation_active_unless_the_fleet_makes_another
                a_changed_model_loses_no_answer
                two_generations_stand_beside_each_other_until_the_switch
                each_chunking_has_a_base_of_its_own
                another_chunking_is_shown_where_it_was_published
                what_is_cut_anew_is_shown_with_its_vectors_or_with_a_push
                a_switch_between_two_reads_is_in_neither_or_in_both
                paused_dead_and_vanished_repositories_do_not_hold_the_switch
                a_path_of_one_machine_holds_the_switch_only_where_there_is_no_other_machine
                roll_back_is_the_pointer_back
                what_the_fleet_leaves_half_built_retires_and_can_be_gone_on_with
                of_many_that_switch_at_once_one_is_active
                a_generation_that_nobody_needs_is_dropped_with_what_stood_under_it
                a_generation_that_is_shown_or_made_by_the_fleet_is_kept
                a_dry_run_tells_what_dropping_generations_would_do;
            retired:
                a_generation_that_retires_leaves_no_fill_in_the_queue_and_gets_them_again_with_a_roll_back
                what_the_fleet_makes_no_more_has_no_fill_in_the_queue
                whatever_is_enqueued_or_goes_back_while_generations_retire_none_of_it_stays;
            seeds:
                a_changed_model_is_made_from_what_is_stored_and_switched_to_when_it_covers_all
                only_what_the_fleet_makes_and_something_is_served_for_is_begun
                what_is_published_while_a_model_is_seeded_lacks_under_both
                a_repository_is_seeded_once_however_many_do_it
                who_names_repositories_seeds_these_alone
                what_nobody_had_a_model_for_is_the_first_models_at_once
                the_first_publication_by_a_model_takes_the_place_of_none
                a_roll_back_loses_nothing_that_came_since
                what_a_command_left_comes_back_only_when_the_fleet_makes_another_in_between
                a_roll_back_leaves_a_third_model_building_and_it_comes_when_it_covers_all
                what_the_fleet_does_not_make_becomes_active_by_command_alone
                a_model_that_made_no_vector_gives_way_at_once_and_one_that_did_when_all_is_covered
                a_model_takes_the_place_of_one_that_made_no_vector_though_who_began_it_died
                a_generation_is_dropped_by_command_unless_it_is_needed
                vectors_of_a_model_that_was_dropped_fall_to_the_collection;
            pushes:
                a_push_is_shown_at_once_though_model_and_chunking_change_at_once
                what_is_cut_anew_for_another_model_waits_and_other_rules_do_not
                what_is_new_is_shown_at_once_though_model_and_chunking_change_at_once
                a_roll_back_shows_what_was_pushed_since_whatever_it_is_cut_by
                what_was_cut_anew_waits_only_for_what_searches_find
                a_push_that_came_while_searches_went_over_is_shown_when_somebody_looks
                what_was_made_for_pushes_alone_is_dropped_when_no_repository_shows_it;
            clock_skew:
                what_was_tried_or_made_in_the_future_is_due_again
                a_job_put_off_by_a_clock_that_ran_ahead_is_due_and_a_backoff_stands
                an_instance_seen_in_the_future_is_not_alive_for_ever
                what_ended_in_the_future_is_not_recent_for_ever
                what_was_marked_in_the_future_goes_a_term_after_now;
            status:
                the_depth_counts_what_is_queued_and_due
                slots_are_the_lesser_of_capacities_and_the_clusters
                rates_are_of_the_last_five_minutes
                what_runs_is_listed_for_the_ledger
                live_instances_and_slots_are_listed
                what_should_have_been_checked_by_now_is_overdue
                a_repository_is_overdue_once_its_budget_is_used_up_and_not_before_it_is_due
                a_schedule_tells_the_next_check_and_how_long_the_last_one_took
                the_slots_in_force_are_those_of_the_window_that_holds
                the_figures_of_some_repositories_tell_nothing_of_others
                the_history_is_filtered_by_repository_failure_and_age;
            history:
                of_the_checks_that_found_nothing_new_only_the_latest_stays
                a_check_stays_for_ten_minutes_whatever_comes_after_it
                whatever_else_an_attempt_came_to_stays_beside_later_checks
                what_an_attempt_did_is_kept_however_it_ended
                a_check_between_two_attempts_that_were_stuck_is_not_forgotten
                the_rates_are_right_however_many_checks_were_only_counted
                an_attempt_is_counted_once_when_it_ends_and_one_whose_claim_was_lost_is_not;
            instances:
                what_an_instance_says_last_is_read_by_all_until_it_is_gone;
            tally:
                of_many_that_would_count_one_does_and_the_next_an_interval_later
                what_one_counted_all_read_with_its_age
                an_instance_that_dies_while_it_counts_holds_up_nobody_and_writes_nothing_late
                a_count_that_takes_too_long_is_given_up
                many_rows_are_answered_from_the_tally_while_it_is_fresh_and_few_are_counted
                what_is_served_refused_and_lacks_is_counted
                rows_by_table_are_told_without_a_count
                what_is_built_beside_what_searches_use_is_counted_apart a_tally_of_the_future_is_none;
            trouble:
                five_of_each_kind_are_named_the_longest_first
                what_is_overdue_or_refused_is_named_with_its_reason
                who_asks_for_some_hears_of_no_others;
            upkeep:
                the_turn_is_one_instances_and_the_next_is_due_an_interval_after_it
                a_turn_whose_instance_is_gone_is_taken_over_and_ends_nothing_any_more
                a_turn_that_did_not_end_well_is_due_at_once_for_anybody
                of_many_that_want_the_turn_at_once_one_gets_it
                shares_of_a_verification_read_all_in_time_and_begin_anew
                who_serves_what_was_damaged_is_checked_as_a_whole;
            orders:
                a_reload_is_a_number_that_rises
                who_says_what_it_does_hears_that_something_else_is_asked
                a_size_holds_by_the_databases_clock_and_ends_by_itself_or_at_once
                what_became_of_a_size_is_kept_for_a_day
                what_ended_lately_is_counted_by_how_it_ended;
            storm:
                enqueues_and_claims_together_never_run_a_repository_twice
                the_same_batch_stored_by_many_at_once_is_stored_once
                a_claim_that_ends_in_many_ways_at_once_ends_in_one
                calls_dropped_half_way_leave_the_store_whole
                a_collection_beside_warms_never_breaks_what_is_served;
            cache:
                storing_anything_twice_leaves_one_row
                what_is_known_of_a_blob_holds_for_its_chunking_rules_and_language_hint
                a_skip_is_known_with_its_reason
                a_known_content_is_known_whatever_blob_it_came_in
                missing_vectors_come_once_and_sorted
                an_artifact_comes_back_as_it_was_stored
                artifacts_and_vectors_come_in_bulk_and_what_is_not_there_is_left_out
                a_text_embedded_for_one_embedding_is_missing_for_another
                symbols_come_back_as_they_were_stored_with_their_artifact
                symbols_of_another_extractor_are_a_miss_until_they_are_made_anew
                symbols_of_an_artifact_that_is_not_stored_are_not_stored
                symbols_go_with_their_artifact;
            publish:
                what_is_staged_becomes_visible_with_the_publication
                a_difference_keeps_what_it_does_not_name
                a_full_listing_removes_what_it_does_not_name
                totals_follow_every_publication
                a_publication_counts_what_it_changed
                a_publication_says_what_becomes_of_its_texts
                the_time_of_the_served_commit_is_kept
                when_it_was_published_stays_until_the_next_publication
                what_was_skipped_for_a_passing_reason_is_tried_again_after_a_day_three_times
                what_was_skipped_for_want_of_patience_is_tried_again_by_whoever_has_more
                an_incomplete_publication_changes_nothing
                a_publication_from_a_base_that_moved_changes_nothing
                a_lost_claim_neither_stages_nor_publishes
                a_publication_whose_acknowledgement_was_lost_is_recognised
                a_second_run_of_a_job_leaves_the_same_rows
                staged_rows_of_an_attempt_that_failed_are_never_published
                paths_with_odd_characters_are_kept_as_they_are
                the_longest_path_there_is_is_kept;
            fills:
                a_publication_asks_for_no_vectors_and_notes_what_lacks
                what_has_its_vectors_needs_no_fill
                a_fill_knows_the_attempt_that_published_what_it_fills
                what_was_published_last_is_filled_first
                a_fill_ends_under_constant_pushes
                what_is_not_served_any_more_lacks_nothing
                what_is_no_longer_served_or_lacks_nothing_is_forgotten_on_the_way
                a_fill_whose_claim_was_lost_or_whose_work_nobody_wants_gets_no_page
                vectors_count_for_all_who_serve_the_artifact
                the_version_of_a_coverage_rises_with_its_vectors_every_two_seconds_at_most
                a_fill_that_leaves_something_goes_back_and_tells_why
                a_text_that_cannot_be_embedded_needs_no_vector
                a_text_that_failed_for_a_passing_reason_is_tried_again_after_a_day_three_times
                who_wants_no_fills_leaves_them_to_daemons_that_live
                what_lacks_and_has_no_fill_gets_one
                a_person_asks_for_the_fills_of_a_repository_at_once;
            lack:
                a_changed_model_is_filled_from_what_is_stored_while_the_other_one_answers
                what_is_pushed_lacks_under_every_generation_that_stands
                what_is_new_under_a_model_that_is_left_is_found_by_words_until_the_switch
                a_damaged_vector_is_made_anew_by_a_fill_wherever_it_is_served
                a_deep_look_and_its_shares_note_what_was_not
                an_artifact_that_comes_back_lacks_wherever_it_is_served
                what_lacks_goes_with_its_repository_its_artifact_and_its_generation
                whatever_happens_everything_that_lacks_is_noted
                pushes_and_fills_at_once_leave_nothing_behind;
            shown:
                what_a_publication_changed_is_told_by_its_number
                what_is_shown_comes_in_pages_without_what_is_skipped;
            collect:
                what_nothing_reaches_is_deleted_a_term_after_it_was_marked
                every_probe_unmarks_what_it_finds
                what_is_reached_again_is_unmarked
                what_is_staged_is_reached
                a_dry_run_tells_and_changes_nothing
                vectors_of_an_embedding_that_nobody_uses_go
                known_blobs_that_point_nowhere_go
                an_old_history_goes;
        }
    };
}
pub(crate) use sentences::sentences;
pub(crate) use suite;
