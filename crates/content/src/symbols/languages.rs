//! The tables of the languages that have a grammar. A further language is one entry here.

use super::record::DefinitionKind::{
    Class, Constant, Constructor, Enum, Field, Function, Impl, Interface, Macro, Method, Module, Struct, Trait, Type,
    Union, Variable, Variant,
};
use super::record::ReferenceKind::{self, Call, Import};
use super::table::From::{self, Names, Quoted, Required};
use super::table::Name::{
    Assigned, Declarator, Declared, FunctionDeclarator, Implementation, In, Itself, Own, Promoted, Receiver, Valued,
    WithBody,
};
use super::table::{Define, Refer, SymbolTable, define, named, refer};
use super::uncut::{C_SHARP, PHP, RUBY};
use crate::language::Language;

/// The table that the language's texts are read with, where there is one.
pub(super) fn table(language: &Language) -> Option<&'static SymbolTable> {
    Some(match language.name {
        "rust" => &RUST,
        "python" => &PYTHON,
        "javascript" => &JAVASCRIPT,
        "typescript" => &TYPESCRIPT,
        "tsx" => &TSX,
        "go" => &GO,
        "java" => &JAVA,
        "c" => &C,
        "cpp" => &CPP,
        "c_sharp" => &C_SHARP,
        "php" => &PHP,
        "ruby" => &RUBY,
        _ => return None,
    })
}

/// Where types have a kind of node of their own.
const TYPE: Refer = refer(ReferenceKind::Type, From::Itself, &["type_identifier"]);
const CALL: Refer = refer(Call, From::Field("function"), &["call_expression"]);

static RUST: SymbolTable = SymbolTable::new(
    "::",
    &[
        named(Function, &["function_item", "function_signature_item"]),
        define(Impl, Implementation, &["impl_item"]),
        named(Struct, &["struct_item"]),
        named(Enum, &["enum_item"]),
        named(Variant, &["enum_variant"]),
        named(Field, &["field_declaration"]),
        named(Union, &["union_item"]),
        named(Trait, &["trait_item"]),
        define(Module, WithBody, &["mod_item"]),
        named(Macro, &["macro_definition"]),
        named(Constant, &["const_item"]),
        named(Variable, &["static_item"]),
        named(Type, &["type_item", "associated_type"]),
    ],
    &[
        CALL,
        refer(Call, From::Field("macro"), &["macro_invocation"]),
        TYPE,
        refer(Import, Names, &["use_declaration"]),
        refer(Import, From::Field("name"), &["extern_crate_declaration"]),
    ],
    &["closure_expression"],
);

static PYTHON: SymbolTable = SymbolTable::new(
    ".",
    &[
        named(Function, &["function_definition"]),
        named(Class, &["class_definition"]),
        define(Variable, In("left"), &["assignment"]),
        define(Type, In("left"), &["type_alias_statement"]),
    ],
    &[
        refer(Call, From::Field("function"), &["call"]),
        refer(ReferenceKind::Type, Names, &["type"]),
        refer(Import, Names, &["import_statement", "import_from_statement"]),
    ],
    &["lambda"],
);

/// Functions that have no name of their own, and what else is local in JavaScript.
const CLOSURES: &[&str] = &["function_expression", "arrow_function", "generator_function", "class_static_block"];
const NEW: Refer = refer(Call, From::Field("constructor"), &["new_expression"]);
const IMPORTED: Refer = refer(Import, Names, &["import_clause"]);
const REQUIRED: Refer = refer(Import, Required, &["variable_declarator"]);

static JAVASCRIPT: SymbolTable = SymbolTable::new(
    ".",
    &[
        named(Function, &["function_declaration", "generator_function_declaration"]),
        define(Function, Own, &["function_expression", "generator_function"]),
        named(Class, &["class_declaration"]),
        define(Class, Own, &["class"]),
        named(Method, &["method_definition"]),
        define(Field, Valued("property"), &["field_definition"]),
        define(Variable, Valued("name"), &["variable_declarator"]),
        define(Function, Assigned("left"), &["assignment_expression"]),
        define(Function, Assigned("key"), &["pair"]),
    ],
    &[CALL, NEW, IMPORTED, REQUIRED],
    CLOSURES,
);

const TYPED: &[Define] = &[
    named(Function, &["function_declaration", "generator_function_declaration", "function_signature"]),
    define(Function, Own, &["function_expression", "generator_function"]),
    named(Class, &["class_declaration", "abstract_class_declaration"]),
    define(Class, Own, &["class"]),
    named(Method, &["method_definition", "method_signature", "abstract_method_signature"]),
    define(Field, Valued("name"), &["public_field_definition"]),
    define(Field, Promoted("pattern"), &["optional_parameter", "required_parameter"]),
    named(Field, &["property_signature"]),
    define(Variable, Valued("name"), &["variable_declarator"]),
    define(Function, Assigned("left"), &["assignment_expression"]),
    define(Function, Assigned("key"), &["pair"]),
    named(Interface, &["interface_declaration"]),
    named(Type, &["type_alias_declaration"]),
    named(Enum, &["enum_declaration"]),
    named(Variant, &["enum_assignment"]),
    define(Variant, Itself("enum_body"), &["property_identifier"]),
    named(Module, &["internal_module"]),
    define(Module, WithBody, &["module"]),
];

static TYPESCRIPT: SymbolTable = SymbolTable::new(".", TYPED, &[CALL, NEW, TYPE, IMPORTED, REQUIRED], CLOSURES);
/// A grammar of its own, whose kinds of nodes have other ids.
static TSX: SymbolTable = SymbolTable::new(".", TYPED, &[CALL, NEW, TYPE, IMPORTED, REQUIRED], CLOSURES);

static GO: SymbolTable = SymbolTable::new(
    ".",
    &[
        named(Function, &["function_declaration"]),
        define(Method, Receiver, &["method_declaration"]),
        named(Method, &["method_elem"]),
        named(Type, &["type_spec", "type_alias"]),
        named(Field, &["field_declaration"]),
        named(Constant, &["const_spec"]),
        named(Variable, &["var_spec"]),
    ],
    &[CALL, TYPE, refer(Import, Quoted("path"), &["import_spec"])],
    &["func_literal"],
);

static JAVA: SymbolTable = SymbolTable::new(
    ".",
    &[
        named(Class, &["class_declaration", "record_declaration"]),
        named(Interface, &["interface_declaration", "annotation_type_declaration"]),
        named(Enum, &["enum_declaration"]),
        named(Variant, &["enum_constant"]),
        named(Method, &["method_declaration", "annotation_type_element_declaration"]),
        named(Constructor, &["constructor_declaration", "compact_constructor_declaration"]),
        define(Field, Declared, &["field_declaration"]),
        define(Constant, Declared, &["constant_declaration"]),
    ],
    &[
        refer(Call, From::Field("name"), &["method_invocation"]),
        refer(Call, From::Field("type"), &["object_creation_expression"]),
        TYPE,
        refer(Import, Names, &["import_declaration"]),
    ],
    &["lambda_expression", "static_initializer", "block"],
);

static C: SymbolTable = SymbolTable::new(
    "::",
    &[
        define(Function, FunctionDeclarator, &["function_definition"]),
        define(Struct, WithBody, &["struct_specifier"]),
        define(Union, WithBody, &["union_specifier"]),
        define(Enum, WithBody, &["enum_specifier"]),
        named(Variant, &["enumerator"]),
        define(Field, Declarator, &["field_declaration"]),
        define(Type, Declarator, &["type_definition"]),
        define(Variable, Declarator, &["declaration"]),
        named(Macro, &["preproc_def", "preproc_function_def"]),
    ],
    &[CALL, TYPE, refer(Import, Quoted("path"), &["preproc_include"])],
    &["compound_statement"],
);

static CPP: SymbolTable = SymbolTable::new(
    "::",
    &[
        define(Function, FunctionDeclarator, &["function_definition"]),
        define(Class, WithBody, &["class_specifier"]),
        define(Struct, WithBody, &["struct_specifier"]),
        define(Union, WithBody, &["union_specifier"]),
        define(Enum, WithBody, &["enum_specifier"]),
        named(Variant, &["enumerator"]),
        define(Field, Declarator, &["field_declaration"]),
        define(Type, Declarator, &["type_definition"]),
        define(Variable, Declarator, &["declaration"]),
        named(Type, &["alias_declaration", "concept_definition"]),
        named(Module, &["namespace_definition"]),
        named(Macro, &["preproc_def", "preproc_function_def"]),
    ],
    &[
        CALL,
        refer(Call, From::Field("type"), &["new_expression"]),
        TYPE,
        refer(Import, Quoted("path"), &["preproc_include"]),
    ],
    &["compound_statement", "lambda_expression"],
);
