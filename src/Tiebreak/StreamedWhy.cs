using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Proofs.Reasons;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;

namespace Tiebreak;

/// <summary>Reasons in a model whose matrices streamed by (theory §6). They rest on the classes of rows and columns, which is all that is known of a weight there; nothing is traced through the program, and no training run is made.</summary>
/// <param name="analysis">The analysis.</param>
/// <param name="whatever">What the verdict does not depend on.</param>
/// <param name="cancellation">Stops it.</param>
sealed class StreamedWhy(Analysis analysis, string whatever, CancellationToken cancellation)
{
    const string Untraced = "what is behind that is not traced, for the model was streamed; a smaller one of the same kind can be asked for every step";

    readonly StreamedVerdict _streamed = analysis.Streamed!;
    readonly Dictionary<int, int> _matrices = MatricesOf(analysis); // by the number of the tensor

    /// <summary>A parameter in the answer.</summary>
    /// <param name="Class">What names its class; null if it is stuck. Classes of streamed weights are no classes of others.</param>
    /// <param name="IsNegative">Whether it is the negative of its class.</param>
    /// <param name="FirstStep">The step at which it first moves; 0 if never.</param>
    readonly record struct Verdict(object? Class, bool IsNegative, int FirstStep);

    static Dictionary<int, int> MatricesOf(Analysis analysis)
    {
        var tensors = Enumerable.Range(0, analysis.Model.Parameters.Count).ToDictionary(tensor => analysis.Model.Parameters[tensor].Name, StringComparer.Ordinal);
        return Enumerable.Range(0, analysis.Streamed!.Matrices.Count).ToDictionary(k => tensors[analysis.Streamed.Matrices[k].Tensor.Name]);
    }

    /// <summary>Why one parameter, or a slice, is stuck or moves.</summary>
    public Explanation Of(ParameterSlice slice)
    {
        var verdicts = slice.Places.Select(place => VerdictOf(slice.Tensor, place)).ToArray();
        var stuck = Array.FindAll(verdicts, verdict => verdict.Class is null).Length;
        if (stuck > 0)
        {
            var at = slice.Places[Array.FindIndex(verdicts, verdict => verdict.Class is null)];
            return new Explanation
            {
                Parameters = [slice.Name],
                Verdict = ExplainedVerdict.Stuck,
                Headline = VerdictSentences.Stuck(slice.Name, stuck, verdicts.Length, Start(slice.Tensor, at), whatever),
                Steps = StuckSteps(slice.Tensor, at),
                Notes = [Untraced],
            };
        }

        var step = verdicts.Max(verdict => verdict.FirstStep);
        return new Explanation
        {
            Parameters = [slice.Name],
            Verdict = ExplainedVerdict.Moves,
            Headline = VerdictSentences.Moves(slice.Name, verdicts.Length, step, verdicts.Length == 1 ? Company(verdicts[0], slice) : ""),
        };
    }

    /// <summary>Why two parameters, or slices, stay equal or come apart.</summary>
    /// <exception cref="TiebreakException">One was streamed and the other was not, so that they were not compared.</exception>
    public Explanation Of(ParameterSlice left, ParameterSlice right)
    {
        var pairs = left.Places.Zip(right.Places, (a, b) => (Left: a, Right: b, First: VerdictOf(left.Tensor, a), Second: VerdictOf(right.Tensor, b))).ToArray();
        var names = (string[])[left.Name, right.Name];
        if (Array.TrueForAll(pairs, pair => pair.First.Class is null && pair.Second.Class is null))
        {
            var areEqual = Array.TrueForAll(pairs, pair => StartOf(left.Tensor, pair.Left) == StartOf(right.Tensor, pair.Right));
            return new Explanation
            {
                Parameters = names,
                Verdict = ExplainedVerdict.Stuck,
                Headline = VerdictSentences.NeverMove(names, areEqual, !areEqual && pairs.Length == 1 ? $", at {Start(left.Tensor, pairs[0].Left)} and {Start(right.Tensor, pairs[0].Right)}" : "", whatever),
                Steps = StuckSteps(left.Tensor, pairs[0].Left),
                Notes = [Untraced],
            };
        }

        bool IsTogether((int Left, int Right, Verdict First, Verdict Second) pair) => pair.First.Class is null || pair.Second.Class is null
            ? pair.First.Class == pair.Second.Class && StartOf(left.Tensor, pair.Left) == StartOf(right.Tensor, pair.Right)
            : pair.First.Class.Equals(pair.Second.Class);

        var moving = Array.Find(pairs, pair => pair.First.Class is not null && pair.Second.Class is not null);
        if (Array.TrueForAll(pairs, IsTogether))
        {
            // Signs are each pair's own: of a slice some may stay equal and others each other's negative.
            var opposite = Array.FindAll(pairs, pair => pair.First.Class is not null && pair.First.IsNegative != pair.Second.IsNegative);
            var equal = pairs.Count(pair => pair.First.IsNegative == pair.Second.IsNegative && (pair.First.Class is not null || !StartOf(left.Tensor, pair.Left).IsZero));
            var isMirrored = opposite.Length > 0;
            var said = isMirrored ? opposite[0] : moving;
            return new Explanation
            {
                Parameters = names,
                Verdict = isMirrored ? ExplainedVerdict.Mirrored : ExplainedVerdict.Lockstep,
                Headline = VerdictSentences.Together(names, equal, opposite.Length, whatever),
                Steps = TogetherSteps((left.Tensor, said.Left), (right.Tensor, said.Right), isMirrored, pairs.Length > 1),
                Notes = [Untraced],
                Conclusion = VerdictSentences.Conclusion(equal, opposite.Length),
            };
        }

        var apart = Array.Find(pairs, pair => !IsTogether(pair));
        var (one, other) = ((left.Tensor, apart.Left), (right.Tensor, apart.Right));
        var isSame = StartOf(left.Tensor, apart.Left).Magnitude == StartOf(right.Tensor, apart.Right).Magnitude;
        var isOneStuck = apart.First.Class is null || apart.Second.Class is null;
        if (isSame && !isOneStuck && _matrices.ContainsKey(left.Tensor) != _matrices.ContainsKey(right.Tensor))
            throw new TiebreakException($"`{Name(one)}` and `{Name(other)}` start alike, and one of them is in a matrix that was streamed and the other is not: those were not compared; {HeldMemory.Remedy}");
        var areEqualNow = StartOf(left.Tensor, apart.Left) == StartOf(right.Tensor, apart.Right);
        return new Explanation
        {
            Parameters = names,
            Verdict = ExplainedVerdict.Apart,
            Headline = VerdictSentences.Apart(names, pairs.Length == 1 ? null : (Name(one), Name(other)), areEqualNow, isSame && !areEqualNow),
            Steps = isSame && isOneStuck ? [new ReasonStep(1, "difference", "one is stuck", $"`{Name(apart.First.Class is null ? one : other)}` is stuck, and `{Name(apart.First.Class is null ? other : one)}` moves", [])]
                : isSame ? ApartSteps(one, other) : [new ReasonStep(1, "start", "start", $"`{Name(one)}` starts at {Start(one.Tensor, one.Left)}, and `{Name(other)}` at {Start(other.Tensor, other.Right)}", [])],
            Notes = isSame ? ["no training run was made to show it: the model was streamed"] : [],
        };
    }

    Verdict VerdictOf(int tensor, int place)
    {
        if (!_matrices.TryGetValue(tensor, out var k))
        {
            var code = analysis.Partition!.Codes[tensor][place];
            return code == 0 ? default : new Verdict(Math.Abs(code), code < 0, analysis.Partition.FirstSteps[Math.Abs(code)]);
        }

        var (matrix, row, column) = Cell(tensor, place);
        if (_streamed.Result.State!.Classes[k] is not { } classes || !classes.Moves(row, column)) return default;
        var (bits, rowKey, columnKey) = (matrix.Bits(row, column), classes.Rows.Keys[row], classes.Columns.Keys[column]);
        return new Verdict(StreamedCells.KeyOf(bits, rowKey, columnKey), StreamedCells.IsNegative(bits, rowKey, columnKey), StreamedCells.FirstStep(_streamed.Result.Moved, k, row, column));
    }

    (StreamedMatrix Matrix, int Row, int Column) Cell(int tensor, int place) => _streamed.Matrices[_matrices[tensor]] is var matrix ? (matrix, place / matrix.Columns, place % matrix.Columns) : default;

    IReadOnlyList<ReasonStep> StuckSteps(int tensor, int place)
    {
        if (!_matrices.ContainsKey(tensor))
        {
            var isCancelled = analysis.StuckBy[tensor]?[place] == StuckCause.Cancellation;
            return [new ReasonStep(1, isCancelled ? "cancellation" : "zero", isCancelled ? "cancels" : "zero", isCancelled ? $"the gradient of `{Name((tensor, place))}` is zero because something in it cancels, whatever the numbers that move are" : $"in every term of the gradient of `{Name((tensor, place))}` some factor is zero, whatever the numbers that move are", [])];
        }

        var (matrix, row, column) = Cell(tensor, place);
        return
        [
            new ReasonStep(1, "gradient", "gradient", Gradient(matrix), []),
            new ReasonStep(2, "zero", "zero", $"of {Meets(matrix, isRow: true, row)} and {Meets(matrix, isRow: false, column)}, one is zero at every position, or the products cancel, whatever the numbers that move are", [1]),
        ];
    }

    List<ReasonStep> TogetherSteps((int Tensor, int Place) left, (int Tensor, int Place) right, bool isMirrored, bool isMany)
    {
        var steps = new List<ReasonStep>();
        void Add(string kind, string text) => steps.Add(new ReasonStep(steps.Count + 1, kind, kind, text, []));
        Add("start", $"{(isMany ? "for instance, " : "")}`{Name(left)}` and `{Name(right)}` start at {Start(left.Tensor, left.Place)}{(isMirrored && !StartOf(left.Tensor, left.Place).IsZero ? $" and {Start(right.Tensor, right.Place)}" : "")}");
        if (!_matrices.ContainsKey(left.Tensor))
        {
            Add("gradient", $"their gradients are {(isMirrored ? "opposite" : "equal")} at every point that training can reach");
            return steps;
        }

        var (first, second) = (Cell(left.Tensor, left.Place), Cell(right.Tensor, right.Place));
        var (a, b) = (ClassesOf(left.Tensor), ClassesOf(right.Tensor));
        Add("gradient", Gradient(first.Matrix));
        if (first.Matrix != second.Matrix) Add("gradient", Gradient(second.Matrix));

        // Rows may be as columns of the other are: a gradient is the same product then.
        var isCrossed = !Same(a.Rows.Keys[first.Row], b.Rows.Keys[second.Row]);
        Compare(isRow: true, first.Row, isCrossed ? second.Column : second.Row, a.Rows, isCrossed ? b.Columns : b.Rows);
        Compare(isRow: false, first.Column, isCrossed ? second.Row : second.Column, a.Columns, isCrossed ? b.Rows : b.Columns);
        return steps;

        void Compare(bool isRow, int place, int other, AxisKeys of, AxisKeys with)
        {
            if (first.Matrix == second.Matrix && place == other && !isCrossed) return;
            var isOpposed = ((of.Keys[place] ^ with.Keys[other]) & AxisKeys.SignBit) != 0;
            Add(MeaningOf(first.Matrix, isRow) switch { AxisMeaning.Input => "forward", AxisMeaning.Output => "backward", _ => "gradient" }, $"{Meets(first.Matrix, isRow, place)} is {(isOpposed ? "the negative of" : "equal to")} {Meets(second.Matrix, isRow != isCrossed, other)} at every position, at every point that training can reach");
        }
    }

    List<ReasonStep> ApartSteps((int Tensor, int Place) left, (int Tensor, int Place) right)
    {
        if (!_matrices.ContainsKey(left.Tensor)) return [new ReasonStep(1, "difference", "difference", $"at a random point at which all ties hold, the gradients of `{Name(left)}` and `{Name(right)}` differ", [])];
        var (first, second) = (Cell(left.Tensor, left.Place), Cell(right.Tensor, right.Place));
        var (a, b) = (ClassesOf(left.Tensor), ClassesOf(right.Tensor));
        var steps = new List<ReasonStep> { new(1, "gradient", "gradient", Gradient(first.Matrix), []) };
        if (first.Matrix != second.Matrix) steps.Add(new ReasonStep(2, "gradient", "gradient", Gradient(second.Matrix), []));
        var (rows, columns) = (Same(a.Rows.Keys[first.Row], b.Rows.Keys[second.Row]), Same(a.Columns.Keys[first.Column], b.Columns.Keys[second.Column]));
        var what = (rows, columns) switch
        {
            (true, true) => "they have other signs",
            (true, false) => $"{Meets(first.Matrix, isRow: false, first.Column)} differs from {Meets(second.Matrix, isRow: false, second.Column)}",
            (false, true) => $"{Meets(first.Matrix, isRow: true, first.Row)} differs from {Meets(second.Matrix, isRow: true, second.Row)}",
            _ => $"{Meets(first.Matrix, isRow: true, first.Row)} differs from {Meets(second.Matrix, isRow: true, second.Row)}, and {Meets(first.Matrix, isRow: false, first.Column)} from {Meets(second.Matrix, isRow: false, second.Column)}",
        };
        steps.Add(new ReasonStep(steps.Count + 1, "difference", "difference", $"at a random point at which all ties hold, {what}", [1]));
        return steps;
    }

    MatrixClasses ClassesOf(int tensor) => _streamed.Result.State!.Classes[_matrices[tensor]]!;

    static bool Same(ulong left, ulong right) => ((left ^ right) & ~AxisKeys.SignBit) == 0;

    static string Gradient(StreamedMatrix matrix) => $"the gradient of a weight of `{matrix.Tensor.Name}` is a sum over positions: at each, what meets its row times what meets its column";

    static AxisMeaning MeaningOf(StreamedMatrix matrix, bool isRow) => matrix.Tensor.AxisMeanings is [var rows, var columns] ? isRow ? rows : columns : AxisMeaning.Other;

    static string Meets(StreamedMatrix matrix, bool isRow, int place)
    {
        var where = $"{(isRow ? "row" : "column")} {place} of `{matrix.Tensor.Name}`";
        return MeaningOf(matrix, isRow) switch
        {
            AxisMeaning.Input => $"what comes in at {where}",
            AxisMeaning.Output => $"what comes back to {where}",
            _ => $"what meets {where}",
        };
    }

    // How many others have the class, and the first of them: of matrices only rows and columns with the classes of this one are looked at.
    string Company(Verdict verdict, ParameterSlice slice)
    {
        long others = -1;
        string? example = null;
        void Found(int tensor, long place, bool isNegative)
        {
            others++;
            if (example is null && place <= int.MaxValue && (tensor != slice.Tensor || place != slice.Places[0])) example = (isNegative == verdict.IsNegative ? "" : "-") + Name((tensor, (int)place));
        }

        if (verdict.Class is int number)
        {
            for (var tensor = 0; tensor < analysis.Model.Parameters.Count; tensor++)
            {
                var codes = analysis.Partition!.Codes[tensor];
                for (var place = 0; place < codes.Length; place++)
                    if (Math.Abs(codes[place]) == number) Found(tensor, place, codes[place] < 0);
            }
        }
        else if (verdict.Class is CellKey key)
        {
            foreach (var (tensor, k) in _matrices.OrderBy(pair => pair.Key))
            {
                if (_streamed.Result.State!.Classes[k] is not { } classes) continue;
                var (matrix, columns) = (_streamed.Matrices[k], Places(classes.Columns, key));
                foreach (var row in columns.Length == 0 ? [] : Places(classes.Rows, key))
                {
                    cancellation.ThrowIfCancellationRequested();
                    foreach (var column in columns)
                    {
                        var (bits, rowKey, columnKey) = (matrix.Bits(row, column), classes.Rows.Keys[row], classes.Columns.Keys[column]);
                        if (StreamedCells.KeyOf(bits, rowKey, columnKey) == key && classes.Moves(row, column)) Found(tensor, (long)row * matrix.Columns + column, StreamedCells.IsNegative(bits, rowKey, columnKey));
                    }
                }
            }
        }

        return VerdictSentences.Company(others, example, "that it was compared with ");

        static int[] Places(AxisKeys axis, CellKey key) => [.. Enumerable.Range(0, axis.Keys.Length).Where(place => Same(axis.Keys[place], key.One) || Same(axis.Keys[place], key.Other))];
    }

    Rational StartOf(int tensor, int place) => analysis.Model.Parameters[tensor].Start[place];

    string Start(int tensor, int place) => StartOf(tensor, place).ToShortString();

    string Name((int Tensor, int Place) parameter) => analysis.Model.Parameters[parameter.Tensor].Name + PlacesText.Of(analysis.Model.Parameters[parameter.Tensor].Shape, parameter.Place);
}
