using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>Turns the expressions of a formula into nodes of a program.</summary>
internal sealed class FormulaLowering(ProgramBuilder builder, ParameterUses uses, StartValues lists, FormulaErrors errors)
{
    readonly Dictionary<string, Node> _names = new(StringComparer.Ordinal);
    readonly TensorArithmetic _arithmetic = new(builder, uses, errors);
    readonly ExactArithmetic _exact = new(errors);
    readonly IndexedElements _indices = new(errors);

    /// <summary>Makes a name known to the lines below.</summary>
    public void Define(string name, Node node) => _names.Add(name, node);

    /// <summary>The node that computes an expression.</summary>
    public Node Lower(Expression expression)
    {
        switch (expression)
        {
            case Expression.Number number:
                return builder.Fill(number.Value, Shape.Scalar);
            case Expression.Name name:
                return Named(name);
            case Expression.Negated negated:
                return builder.Negate(Lower(negated.Operand));
            case Expression.Power power:
                return _arithmetic.Power(Lower(power.Operand), Lower(power.Exponent), power.Place);
            case Expression.Chain chain:
                return chain.Links.Aggregate(Lower(chain.First), (left, link) => _arithmetic.Combine(link.Operator, left, Lower(link.Operand), link.Place));
            case Expression.Indexed indexed:
                return Indexed(indexed);
            case Expression.Transposed transposed:
                return FormulaFunctions.Transposed(builder, Lower(transposed.Operand));
            case Expression.Call call:
                return Called(call);
            case Expression.List list:
                return Stacked(list);
            default:
                throw errors.At(expression.Place, "a text stands here only for a file's name: param w = file(\"w.npy\")");
        }
    }

    Node Named(Expression.Name name)
    {
        var word = name.Value;
        var transposed = false;
        while (!_names.ContainsKey(word) && word.EndsWith(".T", StringComparison.Ordinal))
        {
            word = word[..^2];
            transposed = !transposed;
        }

        if (_names.TryGetValue(word, out var node)) return transposed ? FormulaFunctions.Transposed(builder, node) : node;
        if (FormulaFunctions.Find(word) is { } function) throw errors.At(name.Place, $"`{word}` is a function; write {function.Usage}");
        throw errors.UnknownName(name.Place, word, _names.Keys);
    }

    Node Indexed(Expression.Indexed indexed)
    {
        var operand = Lower(indexed.Operand);
        var map = _indices.Map(operand.Shape, indexed.Subscripts);
        return map.Target == operand.Shape && map.Offset == 0 && map.Strides == new IndexMap.Affine(map.Source, map.Target, 0, Plain(map.Source)).Strides
            ? operand
            : builder.Gather(operand, map);

        static Axes Plain(Shape shape)
        {
            var strides = shape.Strides();
            for (var axis = 0; axis < strides.Length; axis++) if (shape[axis] == 1) strides[axis] = 0;
            return new Axes(strides);
        }
    }

    Node Called(Expression.Call call)
    {
        if (FormulaFunctions.Find(call.Function) is not { } function)
        {
            if (call.Function is "uniform" or "normal" or "file") throw errors.At(call.Place, $"`{call.Function}` gives start values; declare them: param w[3] = {call.Function}(…)");
            if (_names.ContainsKey(call.Function)) throw errors.At(call.Place, $"`{call.Function}` is a tensor, not a function; write `*` before the bracket, or [ ] for an index");
            throw errors.UnknownFunction(call.Place, call.Function, FormulaFunctions.Names);
        }

        var tensors = new List<Node>();
        var options = new Dictionary<string, Expression>(StringComparer.Ordinal);
        foreach (var argument in call.Arguments)
        {
            if (argument.Name is null && (tensors.Count < function.Tensors || function.Tensors == FormulaFunction.AnyNumber))
            {
                tensors.Add(Lower(argument.Value));
                continue;
            }

            // Without a name, what follows the tensors are the options in their order.
            var option = argument.Name ?? (options.Count < function.Options.Length ? function.Options[options.Count] : null);
            if (option is null) throw errors.At(argument.Place, $"too many arguments; write {function.Usage}");
            if (!function.Options.Contains(option, StringComparer.Ordinal)) throw errors.At(argument.Place, $"`{call.Function}` has no option `{FormulaErrors.Shorten(option)}`; write {function.Usage}");
            if (!options.TryAdd(option, argument.Value)) throw errors.At(argument.Place, $"`{option}` is given twice; remove one");
        }

        if (tensors.Count < Math.Max(1, function.Tensors)) throw errors.At(call.Place, $"too few arguments; write {function.Usage}");
        var line = builder.Origin;
        builder.Origin = $"{call.Function} in {line}";
        var result = function.Lower(new FormulaCall(call, [.. tensors], options, _arithmetic, errors));
        builder.Origin = line;
        return result;
    }

    /// <summary>A list: exact numbers as a constant, anything else stacked along a new first axis.</summary>
    Node Stacked(Expression.List list)
    {
        if (OnlyNumbers(list))
        {
            var (shape, values) = lists.ListValues(list);
            return builder.Constant(values, shape);
        }

        var items = list.Items.Select(Lower).ToArray();
        for (var k = 1; k < items.Length; k++)
            if (items[k].Shape != items[0].Shape) throw errors.Shapes(list.Items[k].Place, "a list", items[0].Shape, items[k].Shape, "all its members must have one shape");
        TensorSize.Checked(new Shape([items.Length, .. items[0].Shape.Sizes.Span]), list.Place, errors);
        var row = new Shape([1, .. items[0].Shape.Sizes.Span]);
        return builder.Concat(0, [.. items.Select(item => builder.Reshape(item, row))]);
    }

    bool OnlyNumbers(Expression expression) => expression is Expression.List list ? list.Items.All(OnlyNumbers) : _exact.TryEvaluate(expression) is not null;
}
