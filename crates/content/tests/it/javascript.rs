//! What texts of JavaScript and TypeScript define and refer to.

use warmer_content::ReferenceKind;

use crate::support::{assert_defines, assert_uses};

#[test]
fn javascript() {
    assert_defines(
        "javascript",
        include_str!("snippets/queue.jsx"),
        &[
            ("function", "JobRow", 4, 7),
            ("class", "Queue", 9, 19),
            ("field", "Queue.state", 10, 10),
            ("method", "Queue.claim", 12, 14),
            ("method", "Queue.render", 16, 18),
            ("function", "pages", 21, 23),
        ],
    );
}

#[test]
fn functions_and_values_that_are_assigned_or_exported_are_defined_and_what_is_exported_under_another_name_is_not() {
    let text = "exports.open = function (path) {};\nQueue.prototype.put = function put() {};\n\
                const all = { claim: (id) => id };\nexports.LIMIT = 3;\nexports.claim = claim;\n\
                exports.first = exports.last = void 0;\nmodule.exports = function create() {};\n\
                exports = module.exports = class Store { handle = () => {}; #jobs = []; };\n\
                app.get('/', function home(req) { var local = 1; exports.late = 2; });\n";
    assert_defines(
        "javascript",
        text,
        &[
            ("function", "open", 1, 1),
            ("function", "Queue.put", 2, 2),
            ("variable", "all", 3, 3),
            ("function", "all.claim", 3, 3),
            ("variable", "LIMIT", 4, 4),
            ("function", "create", 7, 7),
            ("class", "Store", 8, 8),
            ("method", "Store.handle", 8, 8),
            ("field", "Store.#jobs", 8, 8),
            ("function", "home", 9, 9),
        ],
    );
}

#[test]
fn the_functions_of_a_prototype_are_methods_of_its_class() {
    let text = "function Queue() {}\nQueue.prototype = {\n  put: function (job) {},\n  claim() {}\n};\n\
                Queue.prototype = Object.create(Base.prototype);\n";
    assert_defines(
        "javascript",
        text,
        &[
            ("function", "Queue", 1, 1),
            ("impl", "Queue", 2, 5),
            ("method", "Queue.put", 3, 3),
            ("method", "Queue.claim", 4, 4),
        ],
    );
}

#[test]
fn what_is_required_is_imported_and_not_defined() {
    let text = "const fs = require('fs');\nvar { join, sep: mark } = require('path').posix;\n\
                const debug = require('debug')('app');\nlet made = load('x');\nexports.util = require('util');\n";
    assert_defines("javascript", text, &[("variable", "debug", 3, 3), ("variable", "made", 4, 4)]);
    for language in ["javascript", "typescript"] {
        let imported: &[(&str, &[u32])] = &[("fs", &[1]), ("join", &[2]), ("mark", &[2]), ("sep", &[2])];
        assert_uses(language, text, ReferenceKind::Import, imported);
    }
}

#[test]
fn typescript() {
    assert_defines(
        "typescript",
        include_str!("snippets/queue.ts"),
        &[
            ("interface", "Job", 1, 5),
            ("field", "Job.id", 2, 2),
            ("field", "Job.payload", 3, 3),
            ("field", "Job.attempts", 4, 4),
            ("type", "State", 7, 7),
            ("enum", "Priority", 9, 9),
            ("variant", "Priority.Low", 9, 9),
            ("variant", "Priority.Normal", 9, 9),
            ("variant", "Priority.High", 9, 9),
            ("variant", "Priority.Urgent", 9, 9),
            ("module", "Store", 11, 22),
            ("class", "Store.Base", 12, 21),
            ("field", "Store.Base.jobs", 13, 13),
            ("method", "Store.Base.onClaim", 14, 14),
            ("method", "Store.Base.close", 15, 15),
            ("method", "Store.Base.claim", 16, 20),
            ("function", "open", 24, 26),
        ],
    );
}

#[test]
fn tsx_is_read_by_its_own_grammar_beside_typescript() {
    let text = "export class List extends Base<Job> {\n  private jobs: Job[] = [];\n  render() { return <Row/>; }\n}\n\
                enum State { Queued }\nconst Row = (p: Props) => <p>{p.name}</p>;\n";
    assert_defines("typescript", "interface A { b: string }\n", &[("interface", "A", 1, 1), ("field", "A.b", 1, 1)]);
    assert_defines(
        "tsx",
        text,
        &[
            ("class", "List", 1, 4),
            ("field", "List.jobs", 2, 2),
            ("method", "List.render", 3, 3),
            ("enum", "State", 5, 5),
            ("variant", "State.Queued", 5, 5),
            ("function", "Row", 6, 6),
        ],
    );
    assert_uses("tsx", text, ReferenceKind::Type, &[("Job", &[1, 2]), ("Props", &[6])]);
}

#[test]
fn a_parameter_of_a_constructor_with_a_modifier_is_a_field_of_the_class() {
    let text = "class Queue {\n  constructor(private jobs: Job[], readonly size = 3, other?: string) {\n    \
                const local = 1;\n  }\n}\n";
    assert_defines(
        "typescript",
        text,
        &[
            ("class", "Queue", 1, 5),
            ("method", "Queue.constructor", 2, 4),
            ("field", "Queue.jobs", 2, 2),
            ("field", "Queue.size", 2, 2),
        ],
    );
}
