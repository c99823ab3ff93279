//! Values made ready for a perceptron, column by column: what stands before its first layer.

/// Steps that make of columns others, each column by itself; the outcome of the last goes on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    /// Columns of every input, and of what goes on.
    pub(crate) width: usize,
    pub(crate) steps: Vec<ColumnStep>,
}

/// One function of one to three operands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnStep {
    pub(crate) function: Function,
    pub(crate) operands: Vec<Operand>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// An input of the network; a boolean is 0 or 1.
    Input(usize),
    /// The outcome of an earlier step.
    Step(usize),
    /// A value for each column.
    Constant(Vec<f32>),
}

/// As the ONNX operators of these names; `Choose` is `Where`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Log,
    Sign,
    Add,
    Sub,
    Mul,
    Div,
    Clip,
    Choose,
}

impl Function {
    /// By the operator's name, with how many operands it takes.
    pub(crate) fn named(op: &str) -> Option<(Function, usize)> {
        Some(match op {
            "Abs" => (Function::Abs, 1),
            "Log" => (Function::Log, 1),
            "Sign" => (Function::Sign, 1),
            "Add" => (Function::Add, 2),
            "Sub" => (Function::Sub, 2),
            "Mul" => (Function::Mul, 2),
            "Div" => (Function::Div, 2),
            "Clip" => (Function::Clip, 3),
            "Where" => (Function::Choose, 3),
            _ => return None,
        })
    }

    /// The value of one column. The logarithm is `libm`'s, so that bits do not depend on the system's.
    fn of(self, [a, b, c]: [f32; 3]) -> f32 {
        match self {
            Function::Abs => a.abs(),
            Function::Log => libm::logf(a),
            Function::Sign if a == 0.0 => 0.0,
            Function::Sign => a.signum(),
            Function::Add => a + b,
            Function::Sub => a - b,
            Function::Mul => a * b,
            Function::Div => a / b,
            Function::Clip => a.max(b).min(c),
            Function::Choose => match a != 0.0 {
                true => b,
                false => c,
            },
        }
    }
}

impl Columns {
    /// Values of the memory that a run needs.
    pub(crate) fn memory(&self) -> usize {
        self.steps.len() * self.width
    }

    /// Makes of one row of each input, `width` values, the row that goes on.
    pub(crate) fn run(&self, memory: &mut [f32], inputs: &[&[f32]], output: &mut [f32]) {
        let width = self.width;
        for (at, step) in self.steps.iter().enumerate() {
            let (done, to) = memory.split_at_mut(at * width);
            let row = |place: usize| match step.operands.get(place) {
                Some(Operand::Input(it)) => inputs[*it],
                Some(Operand::Step(it)) => &done[it * width..][..width],
                Some(Operand::Constant(it)) => it,
                None => &[],
            };
            let rows = [row(0), row(1), row(2)];
            for (column, to) in to[..width].iter_mut().enumerate() {
                *to = step.function.of(rows.map(|row| row.get(column).copied().unwrap_or(0.0)));
            }
        }
        output.copy_from_slice(&memory[(self.steps.len() - 1) * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_the_operator_of_its_name() {
        let of = |op: &str, operands: [f32; 3]| Function::named(op).unwrap().0.of(operands);
        let known = [
            ("Abs", [-2.0, 0.0, 0.0], 2.0),
            ("Log", [std::f32::consts::E, 0.0, 0.0], 1.0),
            ("Sign", [-0.5, 0.0, 0.0], -1.0),
            ("Sign", [0.0, 0.0, 0.0], 0.0),
            ("Add", [1.0, 2.0, 0.0], 3.0),
            ("Sub", [1.0, 2.0, 0.0], -1.0),
            ("Mul", [3.0, 2.0, 0.0], 6.0),
            ("Div", [3.0, 2.0, 0.0], 1.5),
            ("Clip", [9.0, -4.0, 4.0], 4.0),
            ("Where", [1.0, 5.0, 7.0], 5.0),
            ("Where", [0.0, 5.0, 7.0], 7.0),
        ];
        for (op, operands, wanted) in known {
            assert!((of(op, operands) - wanted).abs() < 1e-6, "{op} {operands:?}");
        }
        assert!(Function::named("Conv").is_none());
    }

    #[test]
    fn steps_read_inputs_constants_and_earlier_steps() {
        let step = |function, operands: &[Operand]| ColumnStep { function, operands: operands.to_vec() };
        let columns = Columns {
            width: 2,
            steps: vec![
                step(
                    Function::Choose,
                    &[Operand::Input(1), Operand::Input(0), Operand::Constant(vec![8.0; 2])],
                ),
                step(Function::Mul, &[Operand::Step(0), Operand::Step(0)]),
            ],
        };
        let (mut memory, mut output) = (vec![f32::NAN; columns.memory()], [0.0; 2]);
        columns.run(&mut memory, &[&[3.0, f32::NAN], &[1.0, 0.0]], &mut output);
        assert_eq!(output, [9.0, 64.0]);
    }
}
