using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>
/// What stands behind the <c>=</c> of a parameter: an exact number for all elements, a nested list, <c>uniform(low, high, seed=N)</c>,
/// <c>normal(mean, deviation, seed=N)</c>, or <c>file("w.npy")</c> beside the formula.
/// </summary>
internal sealed class StartValues(string folder, FormulaErrors errors, string? besides = null)
{
    const double LargestFloat = float.MaxValue;
    readonly ExactArithmetic _exact = new(errors);
    readonly Dictionary<string, (Shape Shape, ExactTensor Values)> _files = new(StringComparer.Ordinal);

    /// <summary>The shape and start values of one declared tensor; without a bracket the shape is the list's or the file's, else a scalar.</summary>
    public (Shape Shape, ExactTensor Values) Read(Target target, Expression start)
    {
        var declared = target.HasBracket ? DeclaredShape(target) : (Shape?)null;
        if (start is Expression.List or Expression.Call { Function: "file" })
        {
            var (shape, values) = start is Expression.List list ? ListValues(list) : FileValues((Expression.Call)start);
            if (declared is { } expected && expected != shape) throw errors.At(start.Place, $"`{FormulaErrors.Shorten(target.Name)}` has shape {expected}, and its start values have shape {shape}; make them equal");
            return (TensorSize.Checked(shape, start.Place, errors, TensorSize.MostListed), values);
        }

        var size = declared ?? Shape.Scalar;
        if (start is Expression.Call call) return (TensorSize.Checked(size, target.Place, errors, TensorSize.MostListed), Drawn(call, (int)size.Count));
        return (size, new UniformTensor(size.Count, _exact.Evaluate(start, "a start value")));
    }

    /// <summary>The shape a declaration's bracket gives.</summary>
    public Shape DeclaredShape(Target target)
    {
        var sizes = new int[target.Bracket.Length];
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            var part = target.Bracket[axis];
            if (part.IsSlice) throw errors.At(part.Place, "a shape lists sizes, for instance [4,3]; it has no `:`");
            sizes[axis] = _exact.Whole(part.Start!, "a size");
            if (sizes[axis] < 1) throw errors.At(part.Place, "a size must be at least 1");
        }

        return TensorSize.Checked(new Shape(sizes), target.Place, errors);
    }

    /// <summary>The shape and numbers of a nested list of exact numbers.</summary>
    public (Shape Shape, ExactTensor Values) ListValues(Expression.List list)
    {
        var sizes = new List<int>();
        for (Expression level = list; level is Expression.List inner; level = inner.Items[0]) sizes.Add(inner.Items.Length);
        var shape = TensorSize.Checked(new Shape([.. sizes]), list.Place, errors, TensorSize.MostListed);
        var values = new List<Rational>();
        Collect(list, 0);
        return (shape, values.TrueForAll(value => value == values[0]) ? new UniformTensor(values.Count, values[0]) : new RationalTensor([.. values]));

        void Collect(Expression item, int depth)
        {
            if (item is not Expression.List inner)
            {
                if (depth != sizes.Count) throw errors.At(item.Place, $"a number stands where a list of {sizes[depth]} should; all rows must have one length");
                values.Add(_exact.Evaluate(item, "an element of a list"));
                return;
            }

            if (depth == sizes.Count) throw errors.At(item.Place, "a list stands where a number should; all rows must have one length");
            if (inner.Items.Length != sizes[depth]) throw errors.At(item.Place, $"a row of {inner.Items.Length} where others have {sizes[depth]}; all rows must have one length");
            foreach (var element in inner.Items) Collect(element, depth + 1);
        }
    }

    DoubleTensor Drawn(Expression.Call call, int count)
    {
        var uniform = call.Function switch
        {
            "uniform" => true,
            "normal" => false,
            _ => throw errors.UnknownFunction(call.Place, call.Function, ["uniform", "normal", "file"]),
        };
        var usage = uniform ? "uniform(low, high, seed=N)" : "normal(mean, deviation, seed=N)";
        var numbers = call.Arguments.Where(argument => argument.Name is null).ToArray();
        var named = call.Arguments.Where(argument => argument.Name is not null).ToArray();
        if (numbers.Length != 2 || named.Length > 1 || named.Any(argument => argument.Name is not "seed")) throw errors.At(call.Place, $"write {usage}");
        if (named.Length == 0) throw errors.At(call.Place, $"the numbers need a seed, so that every run draws the same ones; write {usage}");
        var seed = _exact.Whole(named[0].Value, "a seed");
        if (seed < 0) throw errors.At(named[0].Value.Place, "a seed must not be negative");
        var first = Float(numbers[0].Value);
        var second = Float(numbers[1].Value);
        if (uniform && first > second) throw errors.At(numbers[1].Value.Place, "the upper end is below the lower one; exchange them");
        if (!uniform && second < 0) throw errors.At(numbers[1].Value.Place, "a standard deviation must not be negative");
        var source = new SeededNumbers((ulong)seed);
        return new DoubleTensor(uniform ? source.Uniform(count, first, second) : source.Normal(count, first, second));
    }

    double Float(Expression expression)
    {
        var value = _exact.Evaluate(expression, "a bound").ToDouble();
        return Math.Abs(value) <= LargestFloat / 16 ? value : throw errors.At(expression.Place, "the drawn numbers are float32, and this is beyond them; make it smaller");
    }

    /// <summary>The array files that were read.</summary>
    public IEnumerable<string> Files => _files.Keys.Order(StringComparer.Ordinal).Select(name => Path.Combine(folder, name));

    (Shape Shape, ExactTensor Values) FileValues(Expression.Call call)
    {
        if (call.Arguments is not [{ Name: null, Value: Expression.Text { Value: var name } }]) throw errors.At(call.Place, "write file(\"w.npy\"), with the name in quotes");
        if (_files.TryGetValue(name, out var known)) return known;
        var path = Inside(name, call.Arguments[0].Place);
        try
        {
            return _files[name] = NpyFile.Read(path, TensorSize.MostListed);
        }
        catch (TiebreakException error)
        {
            throw errors.At(call.Arguments[0].Place, error.Message, error);
        }
    }

    /// <summary>The path of a file beside the formula. A formula may come from anywhere, so it must not reach other files of its reader.</summary>
    string Inside(string name, int place)
    {
        if (name.Length == 0 || name.Contains('\0')) throw errors.At(place, "the file has no name");
        if (Path.IsPathRooted(name) || name.Contains('\\') || name.Contains(':')) throw errors.At(place, $"`{FormulaErrors.Shorten(name)}` is not a path relative to the formula's folder; put the file there");
        if (!name.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)) throw errors.At(place, $"`{FormulaErrors.Shorten(name)}` is not named .npy; save the array with numpy.save");
        var path = folder;
        foreach (var part in name.Split('/'))
        {
            if (part is "..") throw errors.At(place, $"`{FormulaErrors.Shorten(name)}` leaves the formula's folder; put the file into it");
            if (part is "" or ".") continue;
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null) throw errors.At(place, $"`{FormulaErrors.Shorten(name)}` goes through a symbolic link; put the file itself into the formula's folder");
        }

        // A model that is not in its place yet finds there what was not written anew.
        return besides is not null && !File.Exists(path) ? Path.Combine(besides, name) : path;
    }
}
