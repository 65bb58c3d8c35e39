//! The tables of the languages that have a grammar. A further language is one entry here.

use super::record::DefinitionKind::{
    self, Class, Constant, Constructor, Enum, Field, Function, Impl, Interface, Macro, Method, Module, Struct, Trait,
    Type, Union, Variable, Variant,
};
use super::record::ReferenceKind::{self, Call, Import};
use super::table::From::{self, Names, Quoted};
use super::table::Name::{
    self, Assigned, Declarator, FunctionDeclarator, Implementation, In, Receiver, Valued, WithBody,
};
use super::table::{Define, Refer, SymbolTable};
use crate::language::Language;

/// The table that the language's texts are read with, where there is one.
pub(super) fn table(language: &Language) -> Option<&'static SymbolTable> {
    Some(match language.name {
        "rust" => &RUST,
        "python" => &PYTHON,
        "javascript" => &JAVASCRIPT,
        "typescript" | "tsx" => &TYPESCRIPT,
        "go" => &GO,
        "java" => &JAVA,
        "c" => &C,
        "cpp" => &CPP,
        _ => return None,
    })
}

const fn define(node: &'static str, kind: DefinitionKind, name: Name) -> Define {
    Define { node, kind, name }
}

const fn refer(node: &'static str, kind: ReferenceKind, from: From) -> Refer {
    Refer { node, kind, from }
}

const NAME: Name = In("name");
/// Where types have a kind of node of their own.
const TYPE: Refer = refer("type_identifier", ReferenceKind::Type, From::Itself);
const CALL: Refer = refer("call_expression", Call, From::Field("function"));

static RUST: SymbolTable = SymbolTable::new(
    "::",
    &[
        define("function_item", Function, NAME),
        define("function_signature_item", Function, NAME),
        define("impl_item", Impl, Implementation),
        define("struct_item", Struct, NAME),
        define("enum_item", Enum, NAME),
        define("enum_variant", Variant, NAME),
        define("field_declaration", Field, NAME),
        define("union_item", Union, NAME),
        define("trait_item", Trait, NAME),
        define("mod_item", Module, WithBody),
        define("macro_definition", Macro, NAME),
        define("const_item", Constant, NAME),
        define("static_item", Variable, NAME),
        define("type_item", Type, NAME),
        define("associated_type", Type, NAME),
    ],
    &[
        CALL,
        refer("macro_invocation", Call, From::Field("macro")),
        TYPE,
        refer("use_declaration", Import, Names),
        refer("extern_crate_declaration", Import, From::Field("name")),
    ],
    &["closure_expression"],
);

static PYTHON: SymbolTable = SymbolTable::new(
    ".",
    &[
        define("function_definition", Function, NAME),
        define("class_definition", Class, NAME),
        define("assignment", Variable, In("left")),
        define("type_alias_statement", Type, In("left")),
    ],
    &[
        refer("call", Call, From::Field("function")),
        refer("type", ReferenceKind::Type, Names),
        refer("import_statement", Import, Names),
        refer("import_from_statement", Import, Names),
    ],
    &["lambda"],
);

/// Functions that have no name of their own, and what else is local in JavaScript.
const CLOSURES: &[&str] = &["function_expression", "arrow_function", "generator_function", "class_static_block"];

static JAVASCRIPT: SymbolTable = SymbolTable::new(
    ".",
    &[
        define("function_declaration", Function, NAME),
        define("generator_function_declaration", Function, NAME),
        define("class_declaration", Class, NAME),
        define("method_definition", Method, NAME),
        define("field_definition", Field, In("property")),
        define("variable_declarator", Variable, Valued),
        define("assignment_expression", Function, Assigned("left")),
        define("pair", Function, Assigned("key")),
    ],
    &[CALL, refer("new_expression", Call, From::Field("constructor")), refer("import_clause", Import, Names)],
    CLOSURES,
);

static TYPESCRIPT: SymbolTable = SymbolTable::new(
    ".",
    &[
        define("function_declaration", Function, NAME),
        define("generator_function_declaration", Function, NAME),
        define("function_signature", Function, NAME),
        define("class_declaration", Class, NAME),
        define("abstract_class_declaration", Class, NAME),
        define("method_definition", Method, NAME),
        define("method_signature", Method, NAME),
        define("abstract_method_signature", Method, NAME),
        define("public_field_definition", Field, Valued),
        define("property_signature", Field, NAME),
        define("variable_declarator", Variable, Valued),
        define("assignment_expression", Function, Assigned("left")),
        define("pair", Function, Assigned("key")),
        define("interface_declaration", Interface, NAME),
        define("type_alias_declaration", Type, NAME),
        define("enum_declaration", Enum, NAME),
        define("enum_assignment", Variant, NAME),
        define("property_identifier", Variant, Name::Itself("enum_body")),
        define("internal_module", Module, NAME),
        define("module", Module, WithBody),
    ],
    &[CALL, refer("new_expression", Call, From::Field("constructor")), TYPE, refer("import_clause", Import, Names)],
    CLOSURES,
);

static GO: SymbolTable = SymbolTable::new(
    ".",
    &[
        define("function_declaration", Function, NAME),
        define("method_declaration", Method, Receiver),
        define("method_elem", Method, NAME),
        define("type_spec", Type, NAME),
        define("type_alias", Type, NAME),
        define("field_declaration", Field, NAME),
        define("const_spec", Constant, NAME),
        define("var_spec", Variable, NAME),
    ],
    &[CALL, TYPE, refer("import_spec", Import, Quoted("path"))],
    &["func_literal"],
);

static JAVA: SymbolTable = SymbolTable::new(
    ".",
    &[
        define("class_declaration", Class, NAME),
        define("interface_declaration", Interface, NAME),
        define("enum_declaration", Enum, NAME),
        define("enum_constant", Variant, NAME),
        define("record_declaration", Class, NAME),
        define("annotation_type_declaration", Interface, NAME),
        define("annotation_type_element_declaration", Method, NAME),
        define("method_declaration", Method, NAME),
        define("constructor_declaration", Constructor, NAME),
        define("compact_constructor_declaration", Constructor, NAME),
        define("variable_declarator", Field, NAME),
    ],
    &[
        refer("method_invocation", Call, From::Field("name")),
        refer("object_creation_expression", Call, From::Field("type")),
        TYPE,
        refer("import_declaration", Import, Names),
    ],
    &["lambda_expression", "static_initializer", "block"],
);

static C: SymbolTable = SymbolTable::new(
    "::",
    &[
        define("function_definition", Function, FunctionDeclarator),
        define("struct_specifier", Struct, WithBody),
        define("union_specifier", Union, WithBody),
        define("enum_specifier", Enum, WithBody),
        define("enumerator", Variant, NAME),
        define("field_declaration", Field, Declarator),
        define("type_definition", Type, Declarator),
        define("declaration", Variable, Declarator),
        define("preproc_def", Macro, NAME),
        define("preproc_function_def", Macro, NAME),
    ],
    &[CALL, TYPE, refer("preproc_include", Import, Quoted("path"))],
    &["compound_statement"],
);

static CPP: SymbolTable = SymbolTable::new(
    "::",
    &[
        define("function_definition", Function, FunctionDeclarator),
        define("class_specifier", Class, WithBody),
        define("struct_specifier", Struct, WithBody),
        define("union_specifier", Union, WithBody),
        define("enum_specifier", Enum, WithBody),
        define("enumerator", Variant, NAME),
        define("field_declaration", Field, Declarator),
        define("type_definition", Type, Declarator),
        define("alias_declaration", Type, NAME),
        define("declaration", Variable, Declarator),
        define("namespace_definition", Module, NAME),
        define("concept_definition", Type, NAME),
        define("preproc_def", Macro, NAME),
        define("preproc_function_def", Macro, NAME),
    ],
    &[CALL, refer("new_expression", Call, From::Field("type")), TYPE, refer("preproc_include", Import, Quoted("path"))],
    &["compound_statement", "lambda_expression"],
);
